"""What relates to what, before anybody's permissions (floor 4).

Kept by indicator and never by pair of signals: when 5,000 signals hold one hash that 5,000 others hold too, that is
10,000 numbers here and would be 25 million pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import BooleanField, ExpressionWrapper, Q
from numpy.typing import NDArray

from sharing import signal_types
from sharing.matching.index import Neighbour, near_index
from sharing.matching.shares import Reach, Shares, VideoEvidence, thresholds_in_use
from sharing.matching.thresholds import thresholds
from sharing.matching.video import VideoNeighbour, video_neighbours
from sharing.signals.models import SignalIndicator

# PDQ's quality below which a picture has too little in it for nearness to mean anything (0 to 100).
MIN_QUALITY = 50
# Facts kept for two related signals: the closest.
MAX_FACTS = 5

Ids = NDArray[np.int64]
_Neighbours = Mapping[int, Sequence[Neighbour | VideoNeighbour]]


@dataclass(frozen=True, slots=True)
class Fact:
    """One indicator of a signal lies within the threshold of one indicator of a related signal."""

    signal_id: int
    related_id: int
    indicator_id: int
    related_indicator_id: int
    signal_type: str
    distance: int
    threshold: int
    # Of two videos only.
    video: VideoEvidence | None = None

    @property
    def strength(self) -> float:
        return strength_of(self.distance, self.threshold)


def strength_of(distance: int, threshold: int) -> float:
    """1 for identity, falling towards one half at the threshold."""
    return 1 - distance / (2 * (threshold + 1))


@dataclass(frozen=True, slots=True)
class _Link:
    signal_id: int
    indicator_id: int
    signal_type: str
    value: bytes
    is_clear: bool


@dataclass(frozen=True, slots=True)
class _Way:
    """From one indicator of the signal to a neighbour that others hold."""

    strength: float
    distance: int
    link: _Link
    shares: Shares | None = None


@dataclass(frozen=True, slots=True)
class _Holders:
    """Who holds the neighbours, an entry for each link, indicator after indicator. `places` point into `related`."""

    related: Ids
    places: NDArray[np.intp]
    is_clear: NDArray[np.bool_]
    indicators: Ids
    # The part of one indicator; and the order that puts the links of one signal together, with where each begins.
    parts: dict[int, slice]
    by_place: NDArray[np.intp]
    begins: NDArray[np.intp]

    @classmethod
    def of(cls, rows: Sequence[tuple[int, list[int], list[bool]]]) -> _Holders:
        """From (indicator, its signals, whether each link is clear)."""
        signals = np.concatenate([np.zeros(0, np.int64), *(np.array(ids, np.int64) for _, ids, _ in rows)])
        related, places = np.unique(signals, return_inverse=True)
        by_place = np.argsort(places, kind="stable")
        ends = np.cumsum([len(ids) for _, ids, _ in rows], dtype=int).tolist()
        return cls(
            related=related,
            places=places,
            is_clear=np.array([clear for _, _, flags in rows for clear in flags], np.bool_),
            indicators=np.repeat(
                np.array([row[0] for row in rows], np.int64), np.array([len(row[1]) for row in rows], int)
            ),
            parts={row[0]: slice(end - len(row[1]), end) for row, end in zip(rows, ends, strict=True)},
            by_place=by_place,
            begins=np.searchsorted(places[by_place], np.arange(len(related) + 1)),
        )


class Facts:
    """Every fact about some signals: by identity for all types, by nearness for those that have it. Signals of one
    organisation are related too; what is told to whom is decided by the caller."""

    def __init__(
        self, links: Iterable[_Link], neighbours: _Neighbours, holders: _Holders, thresholds: dict[str, int]
    ) -> None:
        self._links: dict[int, list[_Link]] = defaultdict(list)
        for link in links:
            self._links[link.signal_id].append(link)
        self._neighbours = neighbours
        self._holders = holders
        self._thresholds = thresholds

    @property
    def has_videos(self) -> bool:
        """Whether what is told to whom also depends on the shares that a sharing group asks for."""
        return any(near and isinstance(near[0], VideoNeighbour) for near in self._neighbours.values())

    @property
    def related(self) -> Ids:
        """Ids of all signals that relate to any of these, ascending."""
        return self._holders.related

    def about(self, signal_id: int) -> FactsOfOne:
        ways: dict[int, list[_Way]] = defaultdict(list)
        for link in self._links.get(signal_id, ()):
            threshold = self._thresholds[link.signal_type]
            for neighbour in self._neighbours[link.indicator_id]:
                if neighbour.distance == 0 or link.is_clear:
                    strength = strength_of(neighbour.distance, threshold)
                    shares = neighbour.shares if isinstance(neighbour, VideoNeighbour) else None
                    ways[neighbour.indicator_id].append(_Way(strength, neighbour.distance, link, shares))
        for found in ways.values():
            found.sort(key=lambda way: (-way.strength, way.link.indicator_id))
            if found[0].shares is None:
                del found[MAX_FACTS:]
        return FactsOfOne(signal_id, ways, self._holders, self._thresholds)


class FactsOfOne:
    """The facts about one signal."""

    def __init__(
        self, signal_id: int, ways: dict[int, list[_Way]], holders: _Holders, thresholds: dict[str, int]
    ) -> None:
        self._signal_id = signal_id
        self._ways = ways
        self._holders = holders
        self._thresholds = thresholds

    def strengths(self, reach: Reach | None = None) -> NDArray[np.float64]:
        """Strength of the closest fact with each of Facts.related, 0 where there is none.

        Where there are videos (Facts.has_videos), `reach` is what is enough for the recipient.
        """
        strengths = np.zeros(len(self._holders.related))
        for indicator_id, ways in self._ways.items():
            part = self._holders.parts.get(indicator_id)
            if part is None:
                continue
            # The first is the closest. Of videos another one may be the closest that a recipient is told of.
            for way in ways if ways[0].shares else ways[:1]:
                places = self._holders.places[part]
                if way.distance:
                    places = places[self._holders.is_clear[part]]
                if way.shares and reach:
                    places = places[reach.tells(way.shares, places)]
                strengths[places] = np.maximum(strengths[places], way.strength)
        strengths[self._holders.related == self._signal_id] = 0
        return strengths

    def with_related(self, place: int, reach: Reach | None = None) -> list[Fact]:
        """The closest facts, at most MAX_FACTS, with the signal at this place of Facts.related."""
        holders = self._holders
        found = []
        for at in holders.by_place[holders.begins[place] : holders.begins[place + 1]]:
            indicator_id = int(holders.indicators[at])
            for way in self._ways.get(indicator_id, ()):
                if way.distance and not holders.is_clear[at]:
                    continue
                video = reach.evidence(way.shares, place) if way.shares and reach else None
                if way.shares is None or video is not None:
                    found.append(self._fact(way, int(holders.related[place]), indicator_id, video))
        found.sort(key=lambda fact: (-fact.strength, fact.indicator_id, fact.related_indicator_id))
        return found[:MAX_FACTS]

    def _fact(self, way: _Way, related_id: int, related_indicator_id: int, video: VideoEvidence | None) -> Fact:
        return Fact(
            signal_id=self._signal_id,
            related_id=related_id,
            indicator_id=way.link.indicator_id,
            related_indicator_id=related_indicator_id,
            signal_type=way.link.signal_type,
            distance=way.distance,
            threshold=self._thresholds[way.link.signal_type],
            video=video,
        )


def facts_about(signal_ids: Iterable[int]) -> Facts:
    links = _links(signal_ids)
    bits = thresholds()
    neighbours = _neighbours(links, bits)
    wanted = {neighbour.indicator_id for found in neighbours.values() for neighbour in found}
    # Aggregated in the database: two values to fetch for each indicator instead of a row for each of its holders.
    rows = (
        SignalIndicator.objects.filter(indicator__in=wanted)
        .values("indicator")
        .annotate(signals=ArrayAgg("signal"), clear=ArrayAgg(_CLEAR))
        .order_by("indicator")
        .values_list("indicator", "signals", "clear")
    )
    return Facts(links, neighbours, _Holders.of(list(rows)), bits)


def threshold_of(signal_type: str) -> int:
    """Bits within which two values of the type match; 0 where only identity counts. A query: not for each row."""
    return thresholds()[signal_type]


_CLEAR = ExpressionWrapper(Q(quality=None) | Q(quality__gte=MIN_QUALITY), output_field=BooleanField())


def _links(signal_ids: Iterable[int]) -> list[_Link]:
    rows = SignalIndicator.objects.filter(signal__in=list(signal_ids)).annotate(clear=_CLEAR)
    fields = rows.values_list("signal", "indicator", "indicator__signal_type", "indicator__value", "clear")
    return [_Link(signal, indicator, kind, bytes(value), clear) for signal, indicator, kind, value, clear in fields]


def _neighbours(links: Iterable[_Link], thresholds: dict[str, int]) -> _Neighbours:
    """Neighbours by indicator id; each indicator is its own first neighbour."""
    by_type: dict[str, dict[int, bytes]] = defaultdict(dict)
    for link in links:
        by_type[link.signal_type][link.indicator_id] = link.value
    index = near_index()
    found: dict[int, Sequence[Neighbour | VideoNeighbour]] = {}
    for signal_type, values in by_type.items():
        rules = signal_types.get(signal_type)
        if rules.parts:
            found.update(video_neighbours(values, thresholds[rules.parts], thresholds_in_use()))
            continue
        if rules.near is None:
            found.update({indicator_id: [Neighbour(indicator_id, 0)] for indicator_id in values})
            continue
        near = index.neighbours(signal_type, list(values.values()), thresholds[signal_type])
        found.update(zip(values, near, strict=True))
    return found
