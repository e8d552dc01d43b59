"""What takes more than one request, told as steps: both clients make the same ones, each in its own way."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Final, TypeVar

import msgspec

from . import calls
from .answers import BatchResult, LookupAnswer, LookupResult, RowResult, Signal, Suffix
from .calls import PREFIX, Call
from .errors import Problem, UnexpectedAnswer
from .identifiers import Tokens
from .signal_types import InvalidValue, get
from .signals import Indicator, NewSignal, prepared_all

Result = TypeVar("Result")
Row = TypeVar("Row")
Steps = Generator[Call[Any], Any, Result]

LOOKED_UP_AT_ONCE: Final = 500
RANGES: Final = ("md5", "sha1", "sha256", "url", "text")


def ready(tokens: Tokens, signals: Sequence[NewSignal]) -> Steps[list[NewSignal]]:
    """Signals as they may leave: checked, and without plain identifiers. Raises InvalidValue with the path."""
    prepared = [signal.prepared() for signal in signals]
    together = yield from tokens.tokenised([item for signal in prepared for item in signal.indicators])
    waiting = iter(together)
    return [
        msgspec.structs.replace(signal, indicators=tuple(next(waiting) for _item in signal.indicators))
        for signal in prepared
    ]


def submit(tokens: Tokens, signal: NewSignal) -> Steps[Signal]:
    (sent,) = yield from ready(tokens, [signal])
    stored: Signal = yield calls.submit(sent)
    return stored


def submit_batch(tokens: Tokens, signals: Sequence[NewSignal], *, atomic: bool) -> Steps[BatchResult]:
    """What its type refuses here is a refused row like those that the hub refuses; with `atomic` it is raised."""
    refused = {} if atomic else {row: found for row, signal in enumerate(signals) if (found := refusal(row, signal))}
    places = [row for row in range(len(signals)) if row not in refused]
    if not places:
        return BatchResult(0, len(refused), tuple(refused.values()))
    sent = yield from ready(tokens, [signals[row] for row in places])
    result: BatchResult = yield calls.submit_batch(sent, atomic=atomic)
    stored = in_order(result.results, len(places), lambda row: row.row)
    rows = {place: msgspec.structs.replace(row, row=place) for place, row in zip(places, stored, strict=True)} | refused
    return BatchResult(result.stored, result.refused + len(refused), tuple(rows[row] for row in sorted(rows)))


def in_order(results: Sequence[Row], asked: int, number_of: Callable[[Row], int]) -> list[Row]:
    """The hub's results in the order of what was asked, by the number that each bears. Raises UnexpectedAnswer unless
    there is one of each: a result in the place of another would be believed."""
    found = sorted(results, key=number_of)
    if [number_of(result) for result in found] != list(range(asked)):
        raise UnexpectedAnswer("The hub's results are not those of what was asked.", "Tell its administrators.")
    return found


def refusal(row: int, signal: NewSignal) -> RowResult | None:
    """Why the type of an indicator refuses it here, as the hub would say it of that row of a batch."""
    try:
        signal.prepared()
    except InvalidValue as error:
        problems = tuple(
            Problem(f"/signals/{row}{found.path}", found.code, found.message, found.mend)
            for found in (error, *error.more)
        )
        return RowResult(row, "refused", None, signal.external_id, problems)
    return None


def tokens(tokens: Tokens, items: Sequence[Indicator]) -> Steps[list[list[Indicator]]]:
    found = yield from tokens.under_live_keys(list(prepared_all(tuple(items))))
    forms: list[list[Indicator]] = [[] for _item in items]
    for place, item in found:
        forms[place].append(item)
    return forms


def look_up(tokens: Tokens, items: Sequence[Indicator]) -> Steps[list[LookupAnswer]]:
    asked = yield from tokens.under_live_keys(list(prepared_all(tuple(items))))
    answers: dict[int, LookupAnswer] = {}
    for start in range(0, len(asked), LOOKED_UP_AT_ONCE):
        some = asked[start : start + LOOKED_UP_AT_ONCE]
        result: LookupResult = yield calls.look_up([item for _place, item in some])
        found = in_order(result.results, len(some), lambda answer: answer.item)
        for (place, _item), answer in zip(some, found, strict=True):
            answers[place] = _joined(place, answers.get(place), answer)
    return [answers[place] for place in sorted(answers)]


def _joined(place: int, one: LookupAnswer | None, other: LookupAnswer) -> LookupAnswer:
    """One answer of what was asked under two keys."""
    if one is None:
        return msgspec.structs.replace(other, item=place)
    signals = {signal.id: signal for signal in (*one.signals, *other.signals)}
    return msgspec.structs.replace(
        one,
        status="found" if signals else max(one.status, other.status),  # "refused" comes after "none"
        signals=tuple(sorted(signals.values(), key=lambda signal: signal.distance)),
        more=one.more or other.more,
        errors=one.errors + other.errors,
    )


def look_up_range(item: Indicator) -> Steps[Suffix | None]:
    """Raises ValueError for a type that has no ranges, InvalidValue for a wrong value."""
    if item.type not in RANGES:
        raise ValueError(f"Only {', '.join(RANGES)} can be looked up by range.")
    assert isinstance(item.value, str)
    digits = get(item.type).parse(item.value).hex()
    call: Call[Any] | None = calls.look_up_range(item.type, digits)
    while call is not None:
        page = yield call
        for row in page.results:
            if digits == digits[:PREFIX] + row.suffix:
                found: Suffix = row
                return found
        call = call.following(page.next) if page.next else None
    return None
