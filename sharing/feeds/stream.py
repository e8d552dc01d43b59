"""What lies next on a reader's line: signals to look at again, and groups to walk through (floor 5).

A signal that is hidden from the reader lies on no branch of its line. It costs nothing, and it can't be counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from accounts.actor import Actor
from hub.postgresql import prepared_cursor
from hub.postgresql.cluster import cluster_of
from sharing.feeds.position import Place, Position
from sharing.visibility.models import GroupPermission
from sharing.visibility.selectors import WITH_VIEWABLE_GROUPS

_FEWEST: Final = 64  # rows that each branch gives, if there are so many branches that a page has fewer for each

# One statement, so one snapshot: no gain or loss of a group below the horizon is missing from the groups.
_MOMENT: Final = f"""
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, extract(epoch FROM statement_timestamp())::float8,
       {WITH_VIEWABLE_GROUPS.sql}
  FROM accounts_organisation AS organisation WHERE organisation.id = %(organisation)s
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class Moment:
    """What was settled when a request began. Below the horizon no transaction is open any more, and none will be."""

    cluster: str
    horizon: int
    now: float
    # With the groups of that very moment.
    actor: Actor
    groups: list[int] = field(default_factory=list)


def moment_of(actor: Actor) -> Moment:
    with prepared_cursor() as cursor:
        cluster = cluster_of(cursor)
        cursor.execute(_MOMENT, {"organisation": actor.organisation_id})
        horizon, now, groups = cursor.fetchone()
    fresh = replace(actor, remembered={**actor.remembered, GroupPermission.VIEW: groups})
    return Moment(cluster, horizon, now, fresh, groups)


# The last gain or loss of each group: an earlier one has nothing to add, because a walk tells of what is so now.
_NEXT_WALK: Final = """
SELECT max(event.xid)::text::bigint, event.sharing_group_id
  FROM (SELECT opened_xid AS xid, sharing_group_id FROM sharing_accessspan WHERE auth_group_id = %(named)s
         UNION ALL
        SELECT ended_xid, sharing_group_id FROM sharing_accessspan
         WHERE auth_group_id = %(named)s AND ended_xid IS NOT NULL) AS event
 WHERE event.sharing_group_id IS NOT NULL
   AND event.xid >= %(since)s::text::xid8 AND event.xid < %(horizon)s::text::xid8
 GROUP BY event.sharing_group_id
HAVING (max(event.xid), event.sharing_group_id) > (%(xid)s::text::xid8, %(group)s)
 ORDER BY max(event.xid), event.sharing_group_id LIMIT 1
"""


def next_walk(moment: Moment, position: Position) -> Place | None:
    """The beginning of the next walk on the line that is settled."""
    organisation = moment.actor.organisation
    assert organisation is not None
    params: dict[str, str | int] = {
        "named": organisation.group_id,
        "since": str(position.since),
        "horizon": str(moment.horizon),
        "xid": str(position.place.xid),
        "group": position.place.group,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_NEXT_WALK, params)
        row = cursor.fetchone()
    return Place(*row) if row else None


# Each branch gives its next rows and stops. Branches of what was taken away give what the reader may have to forget.
_RANGE: Final = """(%(xid)s::text::xid8, %(id)s) AND {xid} < %(until)s::text::xid8
                  ORDER BY {xid}, {id} LIMIT %(each)s"""
_BRANCHES: Final = """
SELECT array_agg(found.xid::text::bigint ORDER BY found.xid, found.id),
       array_agg(found.id ORDER BY found.xid, found.id)
  FROM (
    SELECT branch.id AS branch, 1 AS kind, hit.*
      FROM unnest(%(groups)s::bigint[]) AS branch(id) CROSS JOIN LATERAL (
           SELECT share.commit_xid AS xid, share.signal_id AS id FROM sharing_share AS share
            WHERE share.sharing_group_id = branch.id
              AND (share.commit_xid, share.signal_id) > {share}) AS hit
     UNION ALL
    SELECT branch.id, 2, hit.*
      FROM unnest(%(groups)s::bigint[]) AS branch(id) CROSS JOIN LATERAL (
           SELECT past.ended_xid AS xid, past.signal_id AS id FROM sharing_pastaudience AS past
            WHERE past.sharing_group_id = branch.id
              AND (past.ended_xid, past.signal_id) > {past}) AS hit
     UNION ALL
    (SELECT 0, 3, signal.commit_xid, signal.id FROM sharing_signal AS signal
      WHERE signal.organisation_id = %(organisation)s
        AND (signal.commit_xid, signal.id) > {own})
     UNION ALL
    (SELECT 0, 4, named.commit_xid, named.content_object_id FROM sharing_signalgrant AS named
      WHERE named.group_id = %(named)s
        AND (named.commit_xid, named.content_object_id) > {named})
     UNION ALL
    (SELECT 0, 5, past.ended_xid, past.signal_id FROM sharing_pastaudience AS past
      WHERE past.auth_group_id = %(named)s
        AND (past.ended_xid, past.signal_id) > {past})
  ) AS found
 GROUP BY found.branch, found.kind
""".format(  # noqa: S608 - constants only
    share=_RANGE.format(xid="share.commit_xid", id="share.signal_id"),
    past=_RANGE.format(xid="past.ended_xid", id="past.signal_id"),
    own=_RANGE.format(xid="signal.commit_xid", id="signal.id"),
    named=_RANGE.format(xid="named.commit_xid", id="named.content_object_id"),
)


@dataclass(frozen=True, slots=True)
class Reach:
    """Through which branches signals reach a reader: its own and those that name it, or those of one group only."""

    groups: Sequence[int]
    organisation: int | None
    named: int | None


def changes(reach: Reach, place: Place, until: int, most: int) -> tuple[list[Place], bool]:
    """The next places of signals after `place`, of transactions before `until`, at most so many; and whether these are
    all. Of many branches each gives few rows, so there may be fewer than `most` and still more to come."""
    each = min(max(_FEWEST, -(-2 * most // (len(reach.groups) + 1))), most + 1)
    params = {
        "groups": list(reach.groups),
        "organisation": reach.organisation,
        "named": reach.named,
        "xid": str(place.xid),
        "id": place.last_signal,
        "until": str(until),
        "each": each,
    }
    with prepared_cursor() as cursor:
        cursor.execute(_BRANCHES, params)
        branches = cursor.fetchall()
    # Beyond the last row of a branch that has more to give, nothing is certain.
    certain = min(((xids[-1], ids[-1]) for xids, ids in branches if len(ids) == each), default=None)
    merged = {at for xids, ids in branches for at in zip(xids, ids, strict=True) if certain is None or at <= certain}
    places = [Place(xid, 0, signal) for xid, signal in sorted(merged)[:most]]
    return places, certain is None and len(merged) <= most


_WALK: Final = """
SELECT id FROM (
    (SELECT signal_id FROM sharing_share
      WHERE sharing_group_id = %(group)s AND signal_id > %(after)s ORDER BY signal_id LIMIT %(most)s)
     UNION
    (SELECT signal_id FROM sharing_pastaudience
      WHERE sharing_group_id = %(group)s AND signal_id > %(after)s ORDER BY signal_id LIMIT %(most)s)
  ) AS walked(id)
 ORDER BY id LIMIT %(most)s
"""


def walked(place: Place, most: int) -> list[Place]:
    """The next places of the walk that `place` is in; fewer than `most` are the last ones."""
    with prepared_cursor() as cursor:
        cursor.execute(_WALK, {"group": place.group, "after": place.signal, "most": most})
        return [Place(place.xid, place.group, signal) for (signal,) in cursor.fetchall()]
