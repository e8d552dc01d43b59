"""What is told to whom (floor 4): facts, under the eyes of each organisation that sees both signals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from numpy.typing import NDArray

from sharing.matching.models import Match
from sharing.matching.relations import Counts, Fact, Facts, FactsOfOne
from sharing.matching.shares import Reach, reach_of
from sharing.signals.models import Signal
from sharing.signals.selectors import audience_ids

# The strongest related signals kept in a row: a row's size is bounded, the count of related signals is not.
MAX_RELATED = 20
# Locks that tellers share, so that a crowd doesn't fill the database's table of locks.
LOCKS = 2_048

Told = dict[tuple[int, int], Match]  # (recipient, signal) -> the row that tells it, not saved


def told_about(
    signal_ids: Sequence[int],
    facts: Facts,
    *,
    only: int | None = None,
    known: Collection[tuple[int, int]] | None = None,
) -> Told:
    """The rows of these signals, one for each organisation that is told something. Store them in the same transaction.

    Told are those who see both signals, when the two come from two organisations, and have not been told of the pair
    from its other side. Time and memory grow with the signals that relate, not with the pairs that they make.

    `only` is the one organisation to be told. `known`, given when everything is matched again, has the (recipient,
    signal) of the rows that tell something already: any other row tells of earlier signals alone, because the later
    ones have their own turn. So a pair comes under its later signal, as it did when that was submitted, also in a crowd
    of which a row names only the closest.
    """
    related = facts.related.tolist()
    owners = dict(Signal.objects.filter(pk__in={*signal_ids, *related}).values_list("pk", "organisation"))
    owner_of = np.array([owners.get(pk, 0) for pk in related], np.int64)
    is_asked = np.isin(facts.related, list(signal_ids))
    submitters = list({owners[pk] for pk in signal_ids if pk in owners})
    elsewhere = ~is_asked if len(submitters) > 1 else ~is_asked & ~np.isin(owner_of, submitters)
    _one_teller_at_a_time({*facts.related[elsewhere].tolist(), *facts.leading_to(elsewhere)})
    # From here on: who gains sight later is matched again, waits for these rows, and leaves to them what they tell.
    audiences = audience_ids({*signal_ids, *related})
    if only is not None:
        audiences = {pk: seeing & {only} for pk, seeing in audiences.items()}
    recipients = frozenset[int]().union(*(audiences.get(pk, frozenset()) for pk in signal_ids))
    seen = _seen(related, audiences, recipients)
    counts = {recipient: facts.counted_by(seen[recipient]) for recipient in recipients}
    sides = _Sides(signal_ids, recipients)
    reaches = reach_of(recipients, related) if facts.has_videos else {}
    told: Told = {}
    for signal_id in sorted(signal_ids, reverse=True):  # of two of them the later one tells
        about = facts.about(signal_id)
        is_others = owner_of[about.places] != owners.get(signal_id)
        for recipient in audiences.get(signal_id, frozenset()):
            reach = reaches.get(recipient)
            strengths = about.strengths(counts[recipient], reach)
            kept = np.flatnonzero(is_others & seen[recipient][about.places] & (strengths > 0))
            if left_out := sides.left_out(recipient, signal_id):
                kept = kept[~np.isin(facts.related[about.places[kept]], list(left_out))]
            if known is not None and (recipient, signal_id) not in known:
                kept = kept[facts.related[about.places[kept]] < signal_id]
            if kept.size:
                # Strongest first; of equals the oldest first.
                kept = kept[np.argsort(-strengths[kept], kind="stable")]
                shown = about.places[kept[:MAX_RELATED]]
                sides.tell(recipient, signal_id, facts.related[shown[is_asked[shown]]].tolist())
                told[recipient, signal_id] = Match(
                    recipient_id=recipient,
                    signal_id=signal_id,
                    strength=float(strengths[kept[0]]),
                    related_count=len(kept),
                    updated_at=Now(),
                    **_shown(facts, about, shown, counts[recipient], reach),
                )
    return told


def _seen(
    related: Sequence[int], audiences: dict[int, frozenset[int]], recipients: frozenset[int]
) -> dict[int, NDArray[np.bool_]]:
    """For each recipient, which of the related signals it sees."""
    seen = {recipient: np.zeros(len(related), np.bool_) for recipient in recipients}
    for place, signal_id in enumerate(related):
        for recipient in audiences.get(signal_id, frozenset()) & recipients:
            seen[recipient][place] = True
    return seen


def _one_teller_at_a_time(signal_ids: Iterable[int]) -> None:
    """Wait for whoever tells of one of these signals, before looking at what has been told. They are the two sides of
    each pair of which another worker may have the other side.

    Two workers that match the two signals of a pair at the same moment would each find that the other has told nothing
    yet, and the pair would be told twice. Held until the rows are committed. Taken after the locks on the signals that
    are matched (services.py) and in one order, so that no two wait for each other.
    """
    locks = sorted({signal_id % LOCKS for signal_id in signal_ids})
    if not locks:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('told', n)) FROM unnest(%s::int[]) AS n", [locks])


class _Sides:
    """From which side each recipient has been told of a pair, so that one pair is one alert. A pair that both rows tell
    of stays in both: left out of each because of the other, it would be lost."""

    def __init__(self, signal_ids: Sequence[int], recipients: Iterable[int]) -> None:
        rows = Match.objects.filter(
            Q(signal__in=signal_ids) | Q(related__overlap=list(signal_ids)), recipient__in=recipients
        ).values_list("recipient", "signal", "related")
        wanted = set(signal_ids)
        self._here: dict[tuple[int, int], set[int]] = defaultdict(set)
        self._there: dict[tuple[int, int], set[int]] = defaultdict(set)
        for recipient, signal_id, related in rows:
            if signal_id in wanted:
                self._here[recipient, signal_id].update(related)
            self.tell(recipient, signal_id, wanted.intersection(related))

    def tell(self, recipient: int, signal_id: int, related: Iterable[int]) -> None:
        """The signal's own row tells of these."""
        for other in related:
            self._there[recipient, other].add(signal_id)

    def left_out(self, recipient: int, signal_id: int) -> set[int]:
        """What the signal's own row need not tell of."""
        key = recipient, signal_id
        return self._there[key] - self._here[key] if key in self._there else set()


def _shown(
    facts: Facts, about: FactsOfOne, places: NDArray[np.intp], counts: Counts, reach: Reach | None
) -> dict[str, Any]:
    """What a row keeps of its related signals."""
    return {
        "related": facts.related[places].tolist(),
        "evidence": [_evidence(fact) for place in places.tolist() for fact in about.with_related(place, counts, reach)],
    }


def _evidence(fact: Fact) -> dict[str, Any]:
    """Without the number of holders: that is counted anew for each reader and each time."""
    video = {"video": asdict(fact.video)} if fact.video else {}
    return video | {
        "signal": fact.related_id,
        "type": fact.term.signal_type,
        "indicator": fact.indicator_id,
        "related_indicator": fact.related_indicator_id,
        "distance": fact.term.distance,
        "threshold": fact.term.threshold,
    }
