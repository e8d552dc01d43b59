"""What is told to whom (floor 4): facts, under the eyes of each organisation that sees both signals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
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

Told = dict[tuple[int, int], Match]  # (recipient, signal) -> the row that tells it, not saved


def told_about(
    signal_ids: Sequence[int],
    facts: Facts,
    *,
    only: int | None = None,
    known: Collection[tuple[int, int]] | None = None,
) -> Told:
    """The rows of these signals, one for each organisation that is told something.

    Told are those who see both signals, when the two come from two organisations, and have not been told of the pair
    from its other side. Time and memory grow with the signals that relate, not with the pairs that they make.

    `only` is the one organisation to be told. `known`, given when everything is matched again, has the (recipient,
    signal) of the rows that tell something already: any other row tells of earlier signals alone, because the later
    ones have their own turn. So a pair comes under its later signal, as it did when that was submitted, also in a crowd
    of which a row names only the closest.
    """
    related = facts.related.tolist()
    audiences = audience_ids({*signal_ids, *related})
    if only is not None:
        audiences = {pk: seeing & {only} for pk, seeing in audiences.items()}
    owners = dict(Signal.objects.filter(pk__in={*signal_ids, *related}).values_list("pk", "organisation"))
    owner_of = np.array([owners.get(pk, 0) for pk in related], np.int64)
    recipients = frozenset[int]().union(*(audiences.get(pk, frozenset()) for pk in signal_ids))
    seen = _seen(related, audiences, recipients)
    counts = {recipient: facts.counted_by(seen[recipient]) for recipient in recipients}
    elsewhere = _told_elsewhere(signal_ids, recipients)
    reaches = reach_of(recipients, related) if facts.has_videos else {}
    told: Told = {}
    for signal_id in signal_ids:
        about = facts.about(signal_id)
        is_others = owner_of[about.places] != owners.get(signal_id)
        for recipient in audiences.get(signal_id, frozenset()):
            reach = reaches.get(recipient)
            strengths = about.strengths(counts[recipient], reach)
            kept = np.flatnonzero(is_others & seen[recipient][about.places] & (strengths > 0))
            if left_out := elsewhere.get((recipient, signal_id)):
                kept = kept[~np.isin(facts.related[about.places[kept]], list(left_out))]
            if known is not None and (recipient, signal_id) not in known:
                kept = kept[facts.related[about.places[kept]] < signal_id]
            if kept.size:
                # Strongest first; of equals the oldest first.
                kept = kept[np.argsort(-strengths[kept], kind="stable")]
                told[recipient, signal_id] = Match(
                    recipient_id=recipient,
                    signal_id=signal_id,
                    strength=float(strengths[kept[0]]),
                    related_count=len(kept),
                    updated_at=Now(),
                    **_shown(facts, about, about.places[kept[:MAX_RELATED]], counts[recipient], reach),
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


def _told_elsewhere(signal_ids: Sequence[int], recipients: Iterable[int]) -> dict[tuple[int, int], set[int]]:
    """By (recipient, signal): related signals whose own row tells that recipient of this signal, so that one pair is
    one alert. A pair that both rows tell of stays in both.

    Only what has been committed counts as told. Of two signals matched at the same moment both may be told; neither can
    be left out, because each would have to see the other's row first.
    """
    wanted = set(signal_ids)
    rows = Match.objects.filter(
        Q(signal__in=signal_ids) | Q(related__overlap=list(signal_ids)), recipient__in=recipients
    ).values_list("recipient", "signal", "related")
    there: dict[tuple[int, int], set[int]] = defaultdict(set)
    here: dict[tuple[int, int], set[int]] = defaultdict(set)
    for recipient, signal_id, related in rows:
        if signal_id in wanted:
            here[recipient, signal_id].update(related)
        for other in wanted.intersection(related):
            there[recipient, other].add(signal_id)
    return {key: others - here[key] for key, others in there.items()}


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
