"""What members found about a signal, in numbers and without names (floor 4)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from accounts.actor import Actor
from hub.postgresql import prepared_cursor
from sharing.matching.models import Match
from sharing.signals.holders import VISIBLE, visible_params

VERDICTS: Final = tuple(value for value in Match.Verdict.values if value != Match.Verdict.UNREVIEWED)

# A match counts when its other side is visible too: otherwise a number would tell of a signal that is hidden.
_COUNTS: Final = f"""
SELECT about.id, match.verdict, count(DISTINCT match.recipient_id)
  FROM unnest(%(signals)s::bigint[]) AS about(id) CROSS JOIN LATERAL (
       SELECT later.verdict, later.recipient_id
         FROM sharing_match AS later
        WHERE later.signal_id = about.id AND later.verdict <> 'unreviewed'
          AND EXISTS (SELECT FROM sharing_signal AS signal WHERE signal.id = ANY(later.related) AND {VISIBLE})
        UNION ALL
       SELECT earlier.verdict, earlier.recipient_id
         FROM sharing_match AS earlier
         JOIN sharing_signal AS signal ON signal.id = earlier.signal_id
        WHERE earlier.related @> ARRAY[about.id] AND earlier.verdict <> 'unreviewed' AND {VISIBLE}) AS match
 GROUP BY about.id, match.verdict
"""  # noqa: S608 - constants only

Opinions = dict[str, int]


def opinions_on(actor: Actor, signal_ids: Collection[int]) -> dict[int, Opinions]:
    """For each of these signals, which the actor sees: how many organisations gave each verdict on a match of it.

    Counted are verdicts on matches whose two sides the actor sees, so on matches that it is told of as well. A signal
    without any is left out. One query.
    """
    if not signal_ids:
        return {}
    found: dict[int, Opinions] = {}
    with prepared_cursor() as cursor:
        cursor.execute(_COUNTS, {**visible_params(actor), "signals": list(signal_ids)})
        for signal_id, verdict, count in cursor.fetchall():
            found.setdefault(signal_id, dict.fromkeys(VERDICTS, 0))[verdict] = count
    return found
