"""Which indicators of some signals are flooded, and which may be followed (floor 4).

Everything here is bounded by the limit and not by the crowd: holders are counted up to the limit, and only an
indicator that is known not to be flooded has its holders fetched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import Q

from sharing.matching.facts import neighbours_of
from sharing.matching.floods.models import Flood
from sharing.matching.floods.reach import NOBODY, Ids, Witnesses, distances, holders_up_to, is_hamming, reached
from sharing.matching.floods.summary import Crowd, seed
from sharing.matching.index import Neighbour
from sharing.matching.relations import Link
from sharing.matching.shares import DEFAULT
from sharing.matching.video import VideoNeighbour

# Witnesses are gathered until they lead to so many times the limit: a value near a quarter of them is flooded.
WITNESSED = 4

Near = Sequence[Neighbour | VideoNeighbour]
Key = tuple[int, bool]  # an indicator, and whether it is held as a clear hash: a poor one matches by identity only


@dataclass(slots=True)
class Sifted:
    """`links` and `neighbours` are those to follow; `crowds` those to summarise, by flood."""

    links: list[Link] = field(default_factory=list)
    neighbours: dict[int, Near] = field(default_factory=dict)
    crowds: dict[int, Crowd] = field(default_factory=dict)

    @property
    def held_back(self) -> set[int]:
        """Signals with an indicator that is not followed."""
        return {signal_id for crowd in self.crowds.values() for signal_id in crowd.reached_by}


def sift(links: Sequence[Link], bits: Mapping[str, int]) -> Sifted:
    """Part the links of some signals; `bits` are the thresholds in force. Floods that are found here for the first time
    are stored."""
    by_key: dict[Key, Link] = {(link.indicator_id, link.is_clear): link for link in links}
    flooded = _known_without_asking(by_key)
    others = {key: link for key, link in by_key.items() if key not in flooded}
    neighbours = _neighbours(others, bits)
    counting = {key: [one for one in found if _counts(one)] for key, found in neighbours.items()}
    holders = holders_up_to(
        (one.indicator_id for found in counting.values() for one in found), settings.MATCH_FLOOD_LIMIT + 1
    )
    flooded |= _known_by_counting(others, counting, holders)
    sifted = Sifted()
    for link in links:
        key = (link.indicator_id, link.is_clear)
        if key not in flooded:
            sifted.links.append(link)
            # A poor hash may be followed, by identity, where a clear one of the same value is not.
            if len(neighbours[key]) > len(sifted.neighbours.get(link.indicator_id, ())):
                sifted.neighbours[link.indicator_id] = neighbours[key]
            continue
        crowd = sifted.crowds.setdefault(flooded[key].pk, Crowd(flooded[key]))
        crowd.reached_by[link.signal_id] = link.indicator_id
        crowd.witnesses = crowd.witnesses or _more_witnesses(crowd.flood, counting.get(key, ()), holders)
    return sifted


def _neighbours(keys: Mapping[Key, Link], bits: Mapping[str, int]) -> dict[Key, Near]:
    """Nearest first."""
    clear = neighbours_of((link for (_, is_clear), link in keys.items() if is_clear), bits)
    return {
        (indicator_id, is_clear): sorted(
            clear[indicator_id] if is_clear else [Neighbour(indicator_id, 0)],
            key=lambda one: (one.distance, one.indicator_id),
        )
        for indicator_id, is_clear in keys
    }


def _counts(neighbour: Neighbour | VideoNeighbour) -> bool:
    """Whether its holders make a flood. Of videos only what is a match by the default shares: a group that asks for
    less must not make floods for everybody."""
    return not isinstance(neighbour, VideoNeighbour) or neighbour.shares.reach(DEFAULT)


def _known_without_asking(keys: Mapping[Key, Link]) -> dict[Key, Flood]:
    """Those of which the nearest flood's witnesses tell that they lead to more than the limit; and centres that are
    excluded, however many hold them now."""
    clear = {key: link for key, link in keys.items() if link.is_clear and is_hamming(link.signal_type, link.value)}
    centres = [indicator_id for indicator_id, _ in keys]
    types = {link.signal_type for link in clear.values()}
    floods: dict[str, list[Flood]] = defaultdict(list)
    found: dict[Key, Flood] = {}
    for flood in (
        Flood.objects.filter(Q(centre__in=centres) | Q(centre__signal_type__in=types))
        .select_related("centre")
        .defer("witnesses")  # long, and wanted of those only that a value lies near
        .order_by("pk")
    ):
        floods[flood.centre.signal_type].append(flood)
        if flood.in_force == Flood.Decision.EXCLUDED:
            found |= {key: flood for key in keys if key[0] == flood.centre_id}
    witnesses: dict[int, Witnesses] = {}
    limit = settings.MATCH_FLOOD_LIMIT
    for key, link in clear.items():
        nearest = _nearest(link, floods[link.signal_type])
        if key in found or nearest is None or nearest.in_force == Flood.Decision.ALERTING:
            continue
        if nearest.pk not in witnesses:
            witnesses[nearest.pk] = Witnesses.of(nearest.witnesses, limit + 1)
        if witnesses[nearest.pk].near(link.value, link.threshold) > limit:
            found[key] = nearest
    return found


def _nearest(link: Link, floods: Sequence[Flood]) -> Flood | None:
    """The flood whose centre lies nearest to the link's value, and within the threshold; of equals the oldest."""
    if not floods:
        return None
    apart = distances(link.value, [bytes(flood.centre.value) for flood in floods])
    at = int(apart.argmin())
    return floods[at] if apart[at] <= link.threshold else None


def _known_by_counting(
    keys: Mapping[Key, Link], neighbours: Mapping[Key, Near], holders: Mapping[int, Ids]
) -> dict[Key, Flood]:
    signals = {key: len(reached(neighbours[key], holders)) for key in sorted(keys)}
    crowded = [key for key, count in signals.items() if count > settings.MATCH_FLOOD_LIMIT]
    floods = _floods_near(crowded, neighbours)
    new = [key for key in crowded if key not in floods]
    if new:
        _one_founder_at_a_time(keys[key].signal_type for key in new)
    for key in new:
        # Looked for again: another worker, or the key before, may have made one meanwhile.
        floods |= _floods_near([key], neighbours)
        if key not in floods:
            floods[key] = _make(key[0], neighbours[key], holders, signals[key])
    return {key: flood for key, flood in floods.items() if flood.in_force != Flood.Decision.ALERTING}


def _floods_near(keys: Sequence[Key], neighbours: Mapping[Key, Near]) -> dict[Key, Flood]:
    """The nearest flood of each key that has one; of equals the oldest."""
    centres = {one.indicator_id for key in keys for one in neighbours[key]}
    floods = {flood.centre_id: flood for flood in Flood.objects.filter(centre__in=centres)} if centres else {}
    found = {}
    for key in keys:
        near = [
            (one.distance, floods[one.indicator_id].pk, one) for one in neighbours[key] if one.indicator_id in floods
        ]
        if near:
            found[key] = floods[min(near)[2].indicator_id]
    return found


def _one_founder_at_a_time(types: Iterable[str]) -> None:
    """Two workers that cross the limit at the same moment, through two hashes near each other, make one flood: the
    second waits here, and then finds what the first has stored."""
    with connection.cursor() as cursor:
        for signal_type in sorted(set(types)):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('flood ' || %s, 0))", [signal_type])


def _make(centre: int, near: Near, holders: Mapping[int, Ids], signals: int) -> Flood:
    near_ids = [one.indicator_id for one in near]
    flood = Flood.objects.create(centre_id=centre, signals=signals, witnesses=_enough(near_ids, holders))
    seed(flood, near_ids)
    return flood


def _more_witnesses(flood: Flood, near: Near, holders: Mapping[int, Ids]) -> list[int]:
    """The flood's witnesses and those that this value adds, until there are enough; [] where it adds none. A value
    that was known without asking the index has no neighbours here."""
    known = set(flood.witnesses)
    more = [one.indicator_id for one in near if one.indicator_id not in known]
    if not more:
        return []
    held = {**holders_up_to(known, settings.MATCH_FLOOD_LIMIT + 1), **holders}
    witnesses = _enough([*flood.witnesses, *more], held)
    return witnesses if len(witnesses) > len(known) else []


def _enough(indicator_ids: Sequence[int], holders: Mapping[int, Ids]) -> list[int]:
    """The first of these that together have WITNESSED times as many holders as the limit."""
    held = np.cumsum([len(holders.get(one, NOBODY)) for one in indicator_ids])
    enough = int(np.searchsorted(held, WITNESSED * settings.MATCH_FLOOD_LIMIT)) + 1
    return list(indicator_ids[:enough])
