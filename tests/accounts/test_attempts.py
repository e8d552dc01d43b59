"""Sign-in closes for a while to a network from which it failed too often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.attempts import MAX_FAILURES, seconds_to_wait, succeeded

HERE = "203.0.113.7"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stands still unless a test moves it: a span of time must not end in the middle of one."""
    now = [1_000_000.0]
    monkeypatch.setattr("hub.windows.time", lambda: now[0])
    return now


def test_failures_close_it_to_this_network_alone_until_the_time_is_over(clock: list[float]) -> None:
    assert [seconds_to_wait(HERE) for _ in range(MAX_FAILURES)] == [0] * MAX_FAILURES
    wait = seconds_to_wait(HERE)
    assert 0 < wait <= 15 * 60
    assert seconds_to_wait("203.0.113.8") == 0
    clock[0] += wait - 1
    assert seconds_to_wait(HERE) == 1
    clock[0] += 1
    assert seconds_to_wait(HERE) == 0


def test_what_succeeds_does_not_count() -> None:
    for _ in range(2 * MAX_FAILURES):
        assert seconds_to_wait(HERE) == 0
        succeeded(HERE)


def test_many_at_one_moment_are_counted_each() -> None:
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(seconds_to_wait, [HERE] * (MAX_FAILURES + 40)))
    assert waits.count(0) == MAX_FAILURES
