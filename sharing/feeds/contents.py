"""What a reader is told of signals that lie on its line: as they are now, or that they are gone (floor 5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from hub.postgresql import prepared_cursor
from sharing.feeds.position import Filters
from sharing.feeds.stream import Moment, Reach
from sharing.signals.holders import REACHES, TELLABLE, array_text

SHOWN: Final = "shown"
GONE: Final = "gone"

# Could the reader ever have had it from this feed? Only then is it told that the signal is gone: for who never saw it,
# it was never there. Times overlap when neither was over before the other began, and three must: that the signal went
# this way, that the reader saw the way's group, that the reader was not suspended. And the signal must still have been
# told of then. Nothing that was over before the reader's first request counts.
_NEVER: Final = "'18446744073709551615'::xid8"
_SINCE: Final = "%(since)s::text::xid8"
_ACTING: Final = f"""
    acting.auth_group_id = %(reader)s AND acting.sharing_group_id IS NULL
    AND coalesce(acting.ended_xid, {_NEVER}) >= greatest(path.began_xid, {_SINCE})
    AND acting.began_xid <= least(path.ended_xid, signal.gone_xid)
"""
_HAD: Final = f"""(
    (signal.gone_xid IS NULL OR signal.gone_xid >= {_SINCE}) AND (
    signal.organisation_id = %(organisation)s
    OR EXISTS (
        SELECT FROM (
            SELECT share.sharing_group_id, share.began_xid, {_NEVER} AS ended_xid
              FROM sharing_share AS share WHERE share.signal_id = signal.id
             UNION ALL
            SELECT past.sharing_group_id, past.began_xid, past.ended_xid
              FROM sharing_pastaudience AS past
             WHERE past.signal_id = signal.id AND past.sharing_group_id IS NOT NULL AND past.ended_xid >= {_SINCE}
          ) AS path
          JOIN sharing_accessspan AS span
            ON span.auth_group_id = %(reader)s AND span.sharing_group_id = path.sharing_group_id
          JOIN sharing_accessspan AS acting ON {_ACTING}
         WHERE (%(only)s::bigint IS NULL OR path.sharing_group_id = %(only)s)
           AND coalesce(span.ended_xid, {_NEVER}) >= greatest(path.began_xid, {_SINCE}, acting.began_xid)
           AND span.began_xid <= least(path.ended_xid, signal.gone_xid, acting.ended_xid)
           AND path.began_xid <= coalesce(signal.gone_xid, {_NEVER}))
    OR EXISTS (
        SELECT FROM (
            SELECT named.began_xid, {_NEVER} AS ended_xid
              FROM sharing_signalgrant AS named
             WHERE named.content_object_id = signal.id AND named.group_id = %(named)s
             UNION ALL
            SELECT past.began_xid, past.ended_xid
              FROM sharing_pastaudience AS past
             WHERE past.signal_id = signal.id AND past.auth_group_id = %(named)s AND past.ended_xid >= {_SINCE}
          ) AS path
          JOIN sharing_accessspan AS acting ON {_ACTING}
         WHERE path.began_xid <= coalesce(signal.gone_xid, {_NEVER}))))
"""  # noqa: S608 - constants only
# Why it is gone is told to those who would still see it, were it not; to others only that it is gone for them.
_VERDICT: Final = f"""
    CASE WHEN {TELLABLE} THEN '{SHOWN}'
         WHEN {_HAD} IS NOT TRUE THEN NULL
         WHEN {REACHES} IS NOT TRUE THEN 'access_lost'
         WHEN signal.retracted_at IS NOT NULL THEN 'retracted'
         WHEN signal.expires_at <= statement_timestamp() THEN 'expired'
         ELSE '{GONE}' END
"""


class FeedSignal(NamedTuple):
    """A signal as GET /signals/{id} shows it. No indicators are None."""

    place: int
    verdict: str
    uuid: UUID
    updated_at: datetime
    created_at: datetime
    organisation_id: int
    organisation: str
    external_id: str | None
    kind: str
    harm: str
    severity: str
    confidence: int
    tlp: str
    subject_role: str
    summary: str
    lawful_basis: str
    observed_at: datetime | None
    expires_at: datetime
    groups: list[str]
    indicators: list[dict[str, Any]] | None
    platform: str | None
    behaviours: list[str] | None
    enforcement: str | None
    enforced_at: datetime | None


class Removal(NamedTuple):
    """To be forgotten by the reader: retracted, expired, access_lost, or gone for another reason."""

    uuid: UUID
    reason: str


Entry = FeedSignal | Removal

# What is not shown is not read: the condition inside the last LATERAL is asked before anything else there. LIMIT 1
# keeps PostgreSQL, where it has no statistics, from reading all indicators for each signal.
_CONTENTS: Final = f"""
SELECT asked.place, told.verdict, signal.uuid, signal.updated_at, signal.created_at, signal.organisation_id,
       organisation.slug, signal.external_id, signal.kind, signal.harm, signal.severity, signal.confidence, signal.tlp,
       signal.subject_role, signal.summary, signal.lawful_basis, signal.observed_at, signal.expires_at,
       ARRAY(SELECT shared.slug FROM sharing_share AS share
               JOIN sharing_sharinggroup AS shared ON shared.id = share.sharing_group_id
              WHERE told.verdict = '{SHOWN}' AND share.signal_id = signal.id
                AND (signal.organisation_id = %(member)s OR share.sharing_group_id = ANY(%(known)s::bigint[]))
              ORDER BY share.id),
       held.*, account.platform, account.behaviours, account.enforcement, account.enforced_at
  FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS asked(id, place)
  JOIN sharing_signal AS signal ON signal.id = asked.id
  JOIN accounts_organisation AS organisation ON organisation.id = signal.organisation_id
  LEFT JOIN sharing_accountdetail AS account ON account.signal_id = signal.id
 CROSS JOIN LATERAL (SELECT {_VERDICT} AS verdict OFFSET 0) AS told
 CROSS JOIN LATERAL (
       SELECT json_agg(json_build_object('type', indicator.signal_type, 'value', encode(indicator.value, 'hex'),
                                         'key_id', indicator.key_id, 'quality', link.quality) ORDER BY link.id)
         FROM sharing_signalindicator AS link CROSS JOIN LATERAL (
              SELECT signal_type, value, key_id FROM sharing_indicator
               WHERE id = link.indicator_id LIMIT 1) AS indicator
        WHERE told.verdict = '{SHOWN}' AND link.signal_id = signal.id) AS held
 WHERE told.verdict IS NOT NULL
 ORDER BY asked.place
"""  # noqa: S608 - constants only


def contents(moment: Moment, reach: Reach, filters: Filters, since: int, ids: Sequence[int]) -> list[tuple[int, Entry]]:
    """What to tell of these signals, each with its number in the list.

    Nothing of those that the reader never had and does not see.
    """
    organisation = moment.actor.organisation
    assert organisation is not None
    params: dict[str, Any] = {
        "ids": list(ids),
        "since": str(since),
        "reader": organisation.group_id,
        "member": organisation.pk,
        "known": moment.groups,
        "organisation": reach.organisation,
        "groups": array_text(reach.groups),
        "named": reach.named,
        "only": filters.group_id,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_CONTENTS, params)
        rows = [FeedSignal(*row) for row in cursor.fetchall()]
    entries = ((row.place - 1, _entry(row, filters.types)) for row in rows)
    return [(number, entry) for number, entry in entries if entry is not None]


def _entry(row: FeedSignal, types: Sequence[str]) -> Entry | None:
    if row.verdict != SHOWN:
        return Removal(row.uuid, row.verdict)
    if not types or any(held["type"] in types for held in row.indicators or ()):
        return row
    # Never changed: so it never held another type.
    return None if row.updated_at == row.created_at else Removal(row.uuid, GONE)
