"""Relations as numbers: which signals share what, and how strong that is for one recipient (floor 4).

Kept by indicator and never by pair of signals: when 5,000 signals hold one hash that 5,000 others hold too, that is
10,000 numbers here and would be 25 million pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sharing.matching.index import Neighbour
from sharing.matching.shares import Reach, Shares, VideoEvidence
from sharing.matching.strength import Term
from sharing.matching.video import VideoNeighbour

# Facts kept for two related signals: the strongest. More only where more families than this have one.
MAX_FACTS = 5

Ids = NDArray[np.int64]
Places = NDArray[np.intp]
Neighbours = Mapping[int, Sequence[Neighbour | VideoNeighbour]]
# The counts of holders that strengths depend on, and which video thresholds count for the recipient.
_Key = tuple[tuple[int, ...], bytes]


@dataclass(frozen=True, slots=True)
class Fact:
    """One indicator of a signal lies within the threshold of one indicator of a related signal."""

    signal_id: int
    related_id: int
    indicator_id: int
    related_indicator_id: int
    term: Term
    # Of two videos only.
    video: VideoEvidence | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One indicator of a signal that is matched."""

    signal_id: int
    indicator_id: int
    signal_type: str
    value: bytes
    threshold: int
    # Good enough a hash for nearness to mean something.
    is_clear: bool
    is_account: bool


@dataclass(frozen=True, slots=True)
class _Way:
    """From one indicator of the signal to a neighbour that others hold."""

    distance: int
    link: Link
    shares: Shares | None = None

    def term(self, holders: int | None = None) -> Term:
        return Term(self.link.signal_type, self.distance, self.link.threshold, holders)


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds the neighbours, an entry for each link, indicator after indicator. `places` point into `related`."""

    related: Ids
    is_account: NDArray[np.bool_]
    places: Places
    is_clear: NDArray[np.bool_]
    indicators: Ids
    # The part of one indicator; and the order that puts the links of one signal together, with where each begins.
    parts: dict[int, slice]
    by_place: Places
    begins: Places

    @classmethod
    def of(cls, rows: Sequence[tuple[int, list[int], list[bool], list[bool]]]) -> Holders:
        """From (indicator, its signals, whether each link is clear, whether each signal is an account)."""
        signals = np.concatenate([np.zeros(0, np.int64), *(np.array(ids, np.int64) for _, ids, _, _ in rows)])
        related, places = np.unique(signals, return_inverse=True)
        by_place = np.argsort(places, kind="stable")
        ends = np.cumsum([len(ids) for _, ids, _, _ in rows], dtype=int).tolist()
        is_account = np.zeros(len(related), np.bool_)
        is_account[places] = [flag for *_, flags in rows for flag in flags]
        return cls(
            related=related,
            is_account=is_account,
            places=places,
            is_clear=np.array([clear for _, _, flags, _ in rows for clear in flags], np.bool_),
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

    def __init__(self, links: Iterable[Link], neighbours: Neighbours, holders: Holders) -> None:
        self._links: dict[int, list[Link]] = defaultdict(list)
        for link in links:
            self._links[link.signal_id].append(link)
        self._neighbours = neighbours
        self._holders = holders

    @property
    def has_videos(self) -> bool:
        """Whether what is told to whom also depends on the shares that a sharing group asks for."""
        return any(near and isinstance(near[0], VideoNeighbour) for near in self._neighbours.values())

    @property
    def related(self) -> Ids:
        """Ids of all signals that relate to any of these, ascending."""
        return self._holders.related

    def leading_to(self, some: NDArray[np.bool_]) -> set[int]:
        """Those of the signals that may relate to any of these of `related`."""
        held = set(self._holders.indicators[some[self._holders.places]].tolist())
        return {
            link.signal_id
            for links in self._links.values()
            for link in links
            if any(neighbour.indicator_id in held for neighbour in self._neighbours[link.indicator_id])
        }

    def counted_by(self, sees: NDArray[np.bool_]) -> Counts:
        """How many signals hold each indicator for somebody who sees these of `related`."""
        if not self._holders.is_account.any():
            return Counts({})
        seen = np.concatenate([[0], np.cumsum(sees[self._holders.places])])
        return Counts(
            {
                indicator_id: int(seen[part.stop] - seen[part.start])
                for indicator_id, part in self._holders.parts.items()
            }
        )

    def about(self, signal_id: int) -> FactsOfOne:
        ways: dict[int, list[_Way]] = defaultdict(list)
        links = self._links.get(signal_id, ())
        for link in links:
            for neighbour in self._neighbours[link.indicator_id]:
                if neighbour.distance == 0 or link.is_clear:
                    shares = neighbour.shares if isinstance(neighbour, VideoNeighbour) else None
                    ways[neighbour.indicator_id].append(_Way(neighbour.distance, link, shares))
        for found in ways.values():
            found.sort(key=lambda way: (way.distance, way.link.indicator_id))
            # Which video is the closest that a recipient is told of, is not known yet.
            if found[0].shares is None:
                del found[MAX_FACTS:]
        return FactsOfOne(signal_id, any(link.is_account for link in links), ways, self._holders)


@dataclass(frozen=True, slots=True)
class _Bundle:
    """Ways to one neighbour that lead to the same of its holders. `at` points into FactsOfOne.places."""

    indicator_id: int
    ways: Sequence[_Way]
    at: Places

    def value(self, counts: Counts | None) -> float:
        """Of the strongest way; weighed where there are counts."""
        held = [None if counts is None else counts.held(way.link.indicator_id, self.indicator_id) for way in self.ways]
        return max(way.term(number).value for way, number in zip(self.ways, held, strict=True))


class FactsOfOne:
    """The facts about one signal. `places` say where the signals that relate to it stand in Facts.related; the signal
    itself is among them. Where there are videos (Facts.has_videos), `reach` is what is enough for the recipient."""

    def __init__(self, signal_id: int, is_account: bool, ways: dict[int, list[_Way]], holders: Holders) -> None:
        self._signal_id = signal_id
        self._ways = {indicator_id: found for indicator_id, found in ways.items() if indicator_id in holders.parts}
        self._holders = holders
        reached = [
            (indicator_id, some, self._reached(indicator_id, some[0]))
            for indicator_id, found in self._ways.items()
            # Of videos each way reaches other holders, by its own shares.
            for some in ([found] if found[0].shares is None else [[way] for way in found])
        ]
        self.places: Places = np.unique(np.concatenate([np.zeros(0, np.intp), *(places for *_, places in reached)]))
        self._bundles = [
            _Bundle(indicator_id, some, np.searchsorted(self.places, places)) for indicator_id, some, places in reached
        ]
        self._is_weighed = holders.is_account[self.places] | is_account
        self._has_videos = any(bundle.ways[0].shares for bundle in self._bundles)
        own = {way.link.indicator_id for found in self._ways.values() for way in found}
        self._counted = sorted(own.union(self._ways)) if self._is_weighed.any() else []
        # Most recipients see the same signals: what is worked out for one answers for them all.
        self._strengths_of: dict[_Key, NDArray[np.float64]] = {}
        self._facts_of: dict[tuple[int, _Key], list[Fact]] = {}

    def _reached(self, indicator_id: int, way: _Way) -> Places:
        """Places of an indicator's holders: those of low quality by identity only."""
        part = self._holders.parts[indicator_id]
        places = self._holders.places[part]
        return places if way.distance == 0 else places[self._holders.is_clear[part]]

    def strengths(self, counts: Counts, reach: Reach | None = None) -> NDArray[np.float64]:
        """Strength of the relation with each of `places`, 0 with itself and where nothing is told."""
        key = self._key(counts, reach, self.places)
        if key not in self._strengths_of:
            self._strengths_of[key] = self._strengths(counts, reach)
        return self._strengths_of[key]

    def _key(self, counts: Counts, reach: Reach | None, places: Places | int) -> _Key:
        """All that differs between recipients and that the relations with these places depend on."""
        enough = reach.counts[places].tobytes() if reach and self._has_videos else b""
        return tuple(counts.held(one, one) for one in self._counted), enough

    def _strengths(self, counts: Counts, reach: Reach | None) -> NDArray[np.float64]:
        closest = np.zeros(len(self.places))
        families: dict[str, NDArray[np.float64]] = {}
        for bundle in self._bundles:
            at, first = bundle.at, bundle.ways[0]
            if first.shares and reach:
                at = at[reach.tells(first.shares, self.places[at])]
            closest[at] = np.maximum(closest[at], bundle.value(None))
            if self._counted:
                strongest = families.setdefault(first.term().family, np.zeros(len(self.places)))
                strongest[at] = np.maximum(strongest[at], bundle.value(counts))
        against = np.ones(len(self.places))
        for strongest in families.values():
            against *= 1 - strongest
        strengths = np.where(self._is_weighed, 1 - against, closest)
        strengths[self._holders.related[self.places] == self._signal_id] = 0
        return strengths

    def with_related(self, place: int, counts: Counts, reach: Reach | None = None) -> list[Fact]:
        """The strongest facts with the signal at this place of Facts.related: that of each family, and others up to
        MAX_FACTS."""
        key = (place, self._key(counts, reach, place))
        if key not in self._facts_of:
            self._facts_of[key] = self._with_related(place, counts, reach)
        return self._facts_of[key]

    def _with_related(self, place: int, counts: Counts, reach: Reach | None) -> list[Fact]:
        holders = self._holders
        is_weighed = bool(self._is_weighed[np.searchsorted(self.places, place)])
        found = []
        for at in holders.by_place[holders.begins[place] : holders.begins[place + 1]]:
            indicator_id = int(holders.indicators[at])
            for way in self._ways.get(indicator_id, ()):
                if way.distance and not holders.is_clear[at]:
                    continue
                video = reach.evidence(way.shares, place) if way.shares and reach else None
                if way.shares is None or video is not None:
                    held = counts.held(way.link.indicator_id, indicator_id) if is_weighed else None
                    found.append(self._fact(way, int(holders.related[place]), indicator_id, way.term(held), video))
        found.sort(key=_strongest_first)
        return _kept(found)

    def _fact(
        self, way: _Way, related_id: int, related_indicator_id: int, term: Term, video: VideoEvidence | None
    ) -> Fact:
        return Fact(
            signal_id=self._signal_id,
            related_id=related_id,
            indicator_id=way.link.indicator_id,
            related_indicator_id=related_indicator_id,
            term=term,
            video=video,
        )


class Counts:
    """How many signals hold each indicator, for one recipient: what it can't see does not show in the strength."""

    def __init__(self, held: dict[int, int]) -> None:
        self._held = held

    def held(self, indicator_id: int, other_id: int) -> int:
        """Holders of two indicators that lie near each other, together; of one, when they are the same."""
        return sum(self._held.get(one, 0) for one in {indicator_id, other_id})


def _strongest_first(fact: Fact) -> tuple[float, int, int]:
    return -fact.term.value, fact.indicator_id, fact.related_indicator_id


def _kept(found: list[Fact]) -> list[Fact]:
    """Of facts in their order: the first of each family always, so that what is kept has the strength of the whole."""
    first: dict[str, Fact] = {}
    for fact in found:
        first.setdefault(fact.term.family, fact)
    counting = list(first.values())
    others = [fact for fact in found if fact not in counting]
    return sorted(counting + others[: max(0, MAX_FACTS - len(counting))], key=_strongest_first)
