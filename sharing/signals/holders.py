"""Which visible signals hold given indicators, asked for many indicators at once (floor 3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.actor import Actor
from hub.postgresql import prepared_cursor
from sharing.signals.models import Signal
from sharing.visibility.selectors import viewable_group_ids
from sharing.visibility.tlp import TLP

# The rule of SignalQuerySet.visible_to for others' eyes, so live signals only, as text: building it anew with the ORM
# costs a look-up more than the database takes to answer. tests/visibility/test_one_rule.py holds it against the verb.
# OFFSET 0 keeps the planner from reading all shares of all groups into a hash first.
REACHES: Final = """(
    signal.organisation_id = %(organisation)s
    OR EXISTS (SELECT FROM sharing_share AS share
                WHERE share.signal_id = signal.id AND share.sharing_group_id = ANY(%(groups)s::bigint[]) OFFSET 0)
    OR EXISTS (SELECT FROM sharing_signalgrant AS named
                WHERE named.content_object_id = signal.id AND named.group_id = %(named)s OFFSET 0))
"""
VISIBLE: Final = f"(signal.retracted_at IS NULL AND signal.expires_at > statement_timestamp() AND {REACHES})"


def visible_params(actor: Actor) -> dict[str, Any]:
    """The parameters of REACHES, VISIBLE and TELLABLE. Nothing is visible to an unknown actor: no row equals NULL."""
    organisation = actor.organisation if actor.is_known else None
    return {
        "organisation": organisation and organisation.pk,
        "groups": array_text(viewable_group_ids(actor)),
        "named": organisation and organisation.group_id,
    }


def array_text(items: Iterable[object]) -> str:
    """A PostgreSQL array of numbers or flags as text: the driver takes longer to write the same, element by element."""
    return f"{{{','.join(map(str, items))}}}"


# What may be told to a machine that asks: a live, visible signal that is neither about a victim nor TLP:RED.
TELLABLE: Final = f"""{VISIBLE}
    AND signal.subject_role <> '{Signal.SubjectRole.VICTIM}' AND signal.tlp <> '{TLP.RED}'
"""
_COLUMNS: Final = "signal.id, signal.uuid, organisation.slug, signal.harm, signal.severity, signal.tlp"


class Holder(NamedTuple):
    """A signal that holds an indicator, as far as a look-up tells of it."""

    pk: int
    uuid: UUID
    organisation: str
    harm: str
    severity: str
    tlp: str


class Wanted(NamedTuple):
    """An indicator whose holders are asked for. `only_clear` leaves out links whose quality is too low for nearness."""

    indicator_id: int
    only_clear: bool


class Seen(NamedTuple):
    """Whoever asks has looked at every indicator of the type that was written before the transaction `horizon`, in the
    table whose file this is."""

    signal_type: str
    horizon: int
    filenode: int


Identity = tuple[str, bytes]

# The newest of each indicator. LATERAL gives all of them one statement; each stops at its own limit. A row before them
# says that there are indicators which whoever asks has not seen: in the order of an index, so that no plan walks
# through the whole table.
_HOLDERS: Final = f"""
WITH asked AS MATERIALIZED (
    SELECT near.place - 1 AS place, near.id, near.only_clear
      FROM unnest(%(ids)s::bigint[], %(clear)s::boolean[]) WITH ORDINALITY AS near(id, only_clear, place)
     UNION ALL
    SELECT %(near)s + exact.place - 1, indicator.id, false
      FROM unnest(%(types)s::text[], %(values)s::bytea[]) WITH ORDINALITY AS exact(signal_type, value, place)
      JOIN sharing_indicator AS indicator USING (signal_type, value)
)
SELECT -1 AS place, 0, NULL, NULL, NULL, NULL, NULL
  FROM unnest(%(seen_types)s::text[], %(horizons)s::text[], %(filenodes)s::bigint[])
       AS seen(signal_type, horizon, filenode)
 WHERE pg_relation_filenode('sharing_indicator') <> seen.filenode
    OR (SELECT newer.id FROM sharing_indicator AS newer
         WHERE newer.signal_type = seen.signal_type AND newer.commit_xid >= seen.horizon::xid8
         ORDER BY newer.commit_xid LIMIT 1) IS NOT NULL
 UNION ALL
SELECT asked.place, held.*
  FROM asked CROSS JOIN LATERAL (
       SELECT {_COLUMNS}
         FROM sharing_signalindicator AS link
         JOIN sharing_signal AS signal ON signal.id = link.signal_id
         JOIN accounts_organisation AS organisation ON organisation.id = signal.organisation_id
        WHERE link.indicator_id = asked.id
          AND (NOT asked.only_clear OR link.quality IS NULL OR link.quality >= %(quality)s)
          AND {TELLABLE}
        ORDER BY link.signal_id DESC LIMIT %(most)s) AS held
 ORDER BY place
"""  # noqa: S608 - constants only


def holders(
    actor: Actor,
    near: Sequence[Wanted],
    exact: Sequence[Identity],
    *,
    quality: int,
    most: int,
    seen: Sequence[Seen] = (),
) -> tuple[list[list[Holder]], list[list[Holder]]] | None:
    """For each of `near`, and for each of `exact`, the signals that hold it and may be told of, newest first.

    At most `most` for each. `quality` is the least that counts where only clear links are wanted. One query. None when
    there are committed indicators beyond what was `seen`.
    """
    found: list[list[Holder]] = [[] for _ in range(len(near) + len(exact))]
    params = {
        **visible_params(actor),
        "ids": array_text(item.indicator_id for item in near),
        "clear": array_text(item.only_clear for item in near),
        "near": len(near),
        "types": [signal_type for signal_type, _value in exact],
        "values": [value for _signal_type, value in exact],
        "quality": quality,
        "most": most,
        "seen_types": [one.signal_type for one in seen],
        "horizons": array_text(one.horizon for one in seen),
        "filenodes": array_text(one.filenode for one in seen),
    }
    with prepared_cursor() as cursor:
        cursor.execute(_HOLDERS, params)
        for place, *columns in cursor.fetchall():
            if place < 0:
                return None
            found[place].append(Holder(*columns))
    return found[: len(near)], found[len(near) :]


# The walk goes along the index of identities, so in the order of the hashes, and stops when a page is full.
_BETWEEN: Final = f"""
SELECT indicator.value, held.count
  FROM sharing_indicator AS indicator CROSS JOIN LATERAL (
       SELECT count(*) FROM (
              SELECT FROM sharing_signalindicator AS link JOIN sharing_signal AS signal ON signal.id = link.signal_id
               WHERE link.indicator_id = indicator.id AND {TELLABLE} LIMIT %(most)s) AS one) AS held
 WHERE indicator.signal_type = %(type)s AND indicator.value >= %(low)s AND indicator.value <= %(high)s
   AND (indicator.value > %(low)s OR NOT %(past_low)s) AND held.count > 0
 ORDER BY indicator.value LIMIT %(rows)s
"""  # noqa: S608 - constants only


def counted_between(
    actor: Actor, signal_type: str, low: bytes, high: bytes, *, past_low: bool, most: int, rows: int
) -> list[tuple[bytes, int]]:
    """Values of the type from `low` (itself left out with `past_low`) to `high` that signals hold which may be told of.

    Each with the number of these signals, counted to `most`; ascending, at most `rows`. One query.
    """
    params = {
        **visible_params(actor),
        "type": signal_type,
        "low": low,
        "high": high,
        "past_low": past_low,
        "most": most,
        "rows": rows,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_BETWEEN, params)
        return [(bytes(value), count) for value, count in cursor.fetchall()]
