"""How many signals an indicator leads to: its own holders and those of its near neighbours (floor 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, OuterRef, Subquery, When
from numpy.typing import NDArray

from sharing import signal_types
from sharing.matching.facts import CLEAR
from sharing.matching.index import Neighbour
from sharing.matching.video import VideoNeighbour
from sharing.signals.indicators import Indicator
from sharing.signals.models import Signal, SignalIndicator, is_live

Ids = NDArray[np.int64]
NOBODY: Ids = np.zeros(0, np.int64)

# A holder's signal id, negative where its hash is too poor for nearness to mean anything.
_HOLDER = Case(When(CLEAR, then=F("signal")), default=-F("signal"))


def holders_up_to(indicator_ids: Iterable[int], most: int) -> dict[int, Ids]:
    """Live holders of each indicator, at most `most` of each and any of them: what is counted never costs more than
    the limit, however many there are. An id is negative where the holder is reached by identity only."""
    # A value, not a join: without fresh statistics the planner would walk through all signals for each indicator.
    live = Subquery(Signal.objects.filter(is_live(), pk=OuterRef("signal")).values("pk")[:1])
    links = SignalIndicator.objects.annotate(live=live).filter(live__isnull=False, indicator=OuterRef("pk"))
    held = links.values_list(_HOLDER)[:most]
    rows = Indicator.objects.filter(pk__in=set(indicator_ids)).annotate(held=ArraySubquery(held))
    return {pk: np.array(ids, np.int64) for pk, ids in rows.values_list("pk", "held")}


def reached(neighbours: Iterable[Neighbour | VideoNeighbour], holders: Mapping[int, Ids]) -> Ids:
    """Signals that an indicator with these neighbours leads to, each once."""
    parts = [NOBODY]
    for neighbour in neighbours:
        ids = holders.get(neighbour.indicator_id, NOBODY)
        parts.append(ids[ids > 0] if neighbour.distance else np.abs(ids))
    return np.unique(np.concatenate(parts))


def is_hamming(signal_type: str, value: bytes) -> bool:
    """Whether nearness of the type is the number of bits in which the stored values differ."""
    near = signal_types.get(signal_type).near
    return near is not None and near.bits == 8 * len(value)


def distances(value: bytes, others: Sequence[bytes]) -> NDArray[np.int64]:
    """Bits in which a value differs from each of the others, all of one length."""
    rows = np.frombuffer(b"".join(others), np.uint8).reshape(len(others), len(value))
    bits: NDArray[np.int64] = np.bitwise_count(rows ^ np.frombuffer(value, np.uint8)).sum(axis=1, dtype=np.int64)
    return bits


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Indicators around a flood's centre with their holders. They answer for a new value near them without asking the
    index for all of its neighbours, which is what makes a crowd of near hashes cost the square of its size."""

    values: list[bytes]
    which: NDArray[np.intp]
    holders: Ids

    @classmethod
    def of(cls, indicator_ids: Sequence[int], most: int) -> Witnesses:
        held = holders_up_to(indicator_ids, most)
        stored = dict(Indicator.objects.filter(pk__in=indicator_ids).values_list("pk", "value"))
        parts = [held[pk][held[pk] > 0] for pk in stored]
        return cls(
            values=[bytes(value) for value in stored.values()],
            which=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
            holders=np.concatenate([NOBODY, *parts]),
        )

    def near(self, value: bytes, threshold: int) -> int:
        """Signals that the value leads to, at least: those that hold a witness within the threshold of it."""
        if not self.values:
            return 0
        within = distances(value, self.values) <= threshold
        return len(np.unique(self.holders[within[self.which]]))
