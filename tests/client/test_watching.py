"""Following matches misses none and tells none twice, also when they appear out of order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub_client import Match, Signal, Watch

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_match(name: str, second: float) -> Match:
    at = NOON + timedelta(seconds=second)
    about = Signal(name, "beta", "content", "people_smuggling", "low", "AMBER", "active", at, at, at)
    return Match(name, about, (), 1.0, "unreviewed", at)


def look(watch: Watch, inbox: list[Match]) -> tuple[list[str], int]:
    """What is new in an inbox, newest first, and how many rows were read for it."""
    watch.begin()
    read = 0
    for match in inbox:
        read += 1
        if not watch.wants(match):
            break
    return [match.id for match in watch.new()], read


def test_from_now_on_what_was_there_is_not_new() -> None:
    watch, old = Watch(), [a_match(str(number), -number) for number in range(1_000)]

    assert look(watch, old) == ([], 122)  # no further than it must
    assert look(watch, [a_match("b", 2), a_match("a", 1), *old])[0] == ["a", "b"]
    assert look(watch, [a_match("b", 2), a_match("a", 1), *old])[0] == []


def test_into_an_empty_inbox_everything_is_new() -> None:
    watch = Watch()
    assert look(watch, [])[0] == []
    assert look(watch, [a_match("a", -500)])[0] == ["a"]


def test_one_that_appears_below_newer_ones_is_told() -> None:
    watch = Watch()
    look(watch, [a_match("old", 0)])
    assert look(watch, [a_match("b", 60), a_match("old", 0)])[0] == ["b"]

    late = [a_match("b", 60), a_match("late", 30), a_match("old", 0)]

    assert look(watch, late)[0] == ["late"]
    assert look(watch, late)[0] == []


def test_one_that_was_known_and_went_does_not_make_it_read_on() -> None:
    watch, old = Watch(), [a_match(str(number), -600 - number) for number in range(1_000)]
    look(watch, [a_match("gone", 0), *old])

    assert look(watch, [a_match("new", 5), *old]) == (["new"], 2)


def test_since_a_moment_nothing_before_it() -> None:
    watch = Watch(NOON)
    inbox = [a_match("b", 30), a_match("a", 0), a_match("before", -1)]

    assert look(watch, inbox)[0] == ["a", "b"]
    assert look(watch, [a_match("c", 40), *inbox])[0] == ["c"]


def test_it_goes_on_from_its_state() -> None:
    watch = Watch()
    look(watch, [a_match("a", 0)])

    again = Watch.from_state(watch.state())

    assert look(again, [a_match("b", 5), a_match("a", 0)])[0] == ["b"]
    with pytest.raises(ValueError, match="no state"):
        Watch.from_state({"known": 5})
