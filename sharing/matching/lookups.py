"""Looking up: does the hub know this, as far as the caller may see? Nothing of the question is stored (floor 4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from accounts.actor import Actor
from accounts.identifier_quota import count_identifiers
from accounts.models import Scope
from hub.audit.tallies import tally
from hub.errors import Problem
from sharing import signal_types
from sharing.matching.facts import MIN_QUALITY
from sharing.matching.index import Neighbour, near_index
from sharing.matching.opinions import VERDICTS, Opinions, opinions_on
from sharing.matching.thresholds import thresholds_for
from sharing.signals.holders import Holder, Seen, Wanted, holders
from sharing.signals.inputs import IndicatorInput
from sharing.signals.preparation import PreparedIndicator, prepared_indicator
from sharing.signals.tokens import may_send_plain, plain_identifiers

# Signals told for one item: the closest.
MOST: Final = 20
# Neighbours of one item whose holders are asked for first. A hash in the middle of a crowd has thousands; whoever sees
# the crowd has its answer after the first of them.
_STEP: Final = 16


@dataclass(frozen=True, slots=True)
class Found:
    """A signal that holds the value, or one within the threshold of its type. `distance` in bits."""

    signal: Holder
    distance: int
    verdicts: Opinions


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub knows of one item: at most MOST signals, closest first, and whether there are `more`."""

    found: list[Found] = field(default_factory=list)
    more: bool = False
    problems: list[Problem] = field(default_factory=list)


def look_up(*, actor: Actor, items: Sequence[IndicatorInput | list[Problem]]) -> list[Answer]:
    """An answer for each item, in their order. An item with problems has these for an answer.

    Told of are live signals that the actor sees, its own among them, but neither those about victims nor TLP:RED. An
    item that was refused before it could become an input is given as its problems, so that it keeps its place.
    """
    actor.require(Scope.LOOK_UP)
    tally(actor=actor, action="signals.looked_up", items=len(items))
    asked = [item for item in items if isinstance(item, IndicatorInput)]
    count_identifiers(actor=actor, number=plain_identifiers(actor, asked), how="sent_plain")
    plain = may_send_plain(actor)
    prepared = [
        prepared_indicator(item, may_send_plain=plain) if isinstance(item, IndicatorInput) else item for item in items
    ]
    known = _closest(actor, {_question(item) for item in prepared if isinstance(item, PreparedIndicator)})
    shown = {held.pk for found in known.values() for held, _distance in found[:MOST]}
    opinions = opinions_on(actor, shown)
    return [_answer(item, known, opinions) for item in prepared]


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked for one distinct value. Near only for a type that knows nearness, and a picture clear enough."""

    signal_type: str
    value: bytes
    is_near: bool


def _question(item: PreparedIndicator) -> _Question:
    clear = item.quality is None or item.quality >= MIN_QUALITY
    return _Question(item.signal_type, item.value, clear and signal_types.get(item.signal_type).near is not None)


Known = dict[_Question, list[tuple[Holder, int]]]


def _answer(item: PreparedIndicator | list[Problem], known: Known, opinions: dict[int, Opinions]) -> Answer:
    if not isinstance(item, PreparedIndicator):
        return Answer(problems=item)
    found = known[_question(item)]
    return Answer(
        found=[Found(held, distance, opinions.get(held.pk, _NO_OPINION)) for held, distance in found[:MOST]],
        more=len(found) > MOST,
    )


_NO_OPINION: Final[Opinions] = dict.fromkeys(VERDICTS, 0)


def _closest(actor: Actor, questions: Set[_Question]) -> Known:
    """For each question its signals with their distance, closest first and then newest: all, or more than MOST.

    First with the neighbours that this process knows of. The database, which is asked for their holders anyway, says
    with them whether there are others by now: then it is asked for these before. So a look-up between two submissions,
    as nearly all are, costs one statement less.
    """
    known = _known_neighbours(actor, questions)
    found = _held(actor, questions, *known) if known else None
    if found is None:
        found = _held(actor, questions, _neighbours(actor, questions))
    assert found is not None  # nothing was said to be all
    return {question: sorted(held.values(), key=_closest_newest) for question, held in found.items()}


def _held(actor: Actor, questions: Set[_Question], neighbours: Near, seen: Sequence[Seen] = ()) -> Collected | None:
    """The holders of each question's neighbours, and of its value; None when there is more than was `seen`."""
    exact = [question for question in questions if not question.is_near]
    collected: Collected = {question: {} for question in questions}
    known: dict[Wanted, list[Holder]] = {}
    for part in _steps(neighbours, collected):
        wanted = {_wanted(neighbour) for near in part.values() for neighbour in near}
        new = sorted(wanted - known.keys())
        identities = [(question.signal_type, question.value) for question in exact]
        answer = holders(actor, new, identities, quality=MIN_QUALITY, most=MOST + 1, seen=seen)
        if answer is None:
            return None
        of_near, of_exact = answer
        known.update(zip(new, of_near, strict=True))
        for question, near in part.items():
            for neighbour in near:
                for held in known[_wanted(neighbour)]:
                    collected[question].setdefault(held.pk, (held, neighbour.distance))
        for question, found in zip(exact, of_exact, strict=True):
            collected[question] = {held.pk: (held, 0) for held in found}
        # Told once, by the statement that began first.
        exact, seen = [], ()
    return collected


Collected = dict[_Question, dict[int, tuple[Holder, int]]]


def _steps(neighbours: Near, collected: Collected) -> Iterator[Near]:
    """The neighbours in growing parts, closest first, until every question has enough or none are left.

    One part is all there is, but for crowds of which the actor sees little. The first comes even when it is empty: "no
    such hash" and "none that you see" then ask the database the same question.
    """
    start, size = 0, _STEP
    while True:
        part = {
            question: near[start : start + size]
            for question, near in neighbours.items()
            if len(near) > start and len(collected[question]) <= MOST
        }
        if start and not part:
            return
        yield part
        start, size = start + size, size * 4


def _closest_newest(found: tuple[Holder, int]) -> tuple[int, int]:
    held, distance = found
    return distance, -held.pk


def _wanted(neighbour: Neighbour) -> Wanted:
    return Wanted(neighbour.indicator_id, only_clear=neighbour.distance > 0)


Near = dict[_Question, list[Neighbour]]


def _neighbours(actor: Actor, questions: Iterable[_Question]) -> Near:
    """Neighbours of each near question, closest first."""
    found: Near = {}
    for signal_type, asked, within in _by_type(actor, questions):
        near = near_index().neighbours(signal_type, [question.value for question in asked], within)
        found.update(zip(asked, map(_by_distance, near), strict=True))
    return found


def _known_neighbours(actor: Actor, questions: Iterable[_Question]) -> tuple[Near, list[Seen]] | None:
    """The same as far as this process knows, and what it has seen of each type; None where it had better ask."""
    found: Near = {}
    seen = []
    for signal_type, asked, within in _by_type(actor, questions):
        known = near_index().known(signal_type, [question.value for question in asked], within)
        if known is None:
            return None
        near, reach = known
        found.update(zip(asked, map(_by_distance, near), strict=True))
        seen.append(Seen(*reach))
    return found, seen


def _by_type(actor: Actor, questions: Iterable[_Question]) -> Iterator[tuple[str, list[_Question], int]]:
    """The near questions of each type, and its threshold."""
    by_type: dict[str, list[_Question]] = defaultdict(list)
    for question in questions:
        if question.is_near:
            by_type[question.signal_type].append(question)
    within = thresholds_for(actor) if by_type else {}
    for signal_type, asked in by_type.items():
        yield signal_type, asked, within[signal_type]


def _by_distance(near: list[Neighbour]) -> list[Neighbour]:
    return sorted(near, key=_distance)


def _distance(neighbour: Neighbour) -> int:
    return neighbour.distance
