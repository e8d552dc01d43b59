"""Two workers at a flood at the same moment: one flood, and each signal counted once."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection

from sharing.matching.floods import guard, summary
from sharing.matching.floods.models import Flood, FloodNotice
from sharing.matching.services import match_signals
from tests import factories
from tests.matching.test_floods import LIMIT, MD5, near

pytestmark = pytest.mark.django_db(transaction=True)


def worker(signal_ids: list[int], errors: list[BaseException]) -> Thread:
    """Matches the signals on a connection of its own."""

    def work() -> None:
        try:
            match_signals(signal_ids)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    thread = Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("kind", ["same", "near"])
def test_two_workers_make_one_flood(settings: LazySettings, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    settings.MATCH_FLOOD_LIMIT = LIMIT
    group, organisations = factories.make_group(), [factories.make_organisation() for _ in range(3)]
    for organisation in organisations:
        factories.give(organisation, group)
    signals = [
        factories.submit(organisations[n % 2], group, indicators=[MD5 if kind == "same" else near(n)]).pk
        for n in range(2 * LIMIT)
    ]
    # Neither begins to count before both have seen that there is no flood.
    both, real = Barrier(2, timeout=20), guard._known_without_asking

    def together(keys: Any) -> Any:
        found = real(keys)
        both.wait()
        return found

    monkeypatch.setattr(guard, "_known_without_asking", together)
    errors: list[BaseException] = []
    workers = [worker(signals[part::2], errors) for part in range(2)]
    for one in workers:
        one.join(60)
    assert errors == []
    assert Flood.objects.get().summarised == 2 * LIMIT
    assert list(FloodNotice.objects.values_list("told", flat=True)) == [2 * LIMIT] * 3


def test_a_worker_that_was_held_up_takes_nothing_off_a_notice(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lock on the flood, both would add to the count that they have read, and one would be lost."""
    settings.MATCH_FLOOD_LIMIT = LIMIT
    group, organisations = factories.make_group(), [factories.make_organisation() for _ in range(2)]
    for organisation in organisations:
        factories.give(organisation, group)
    for n in range(LIMIT + 1):
        factories.submit(organisations[n % 2], group, match=True, indicators=[MD5])
    slow_signal, quick_signal = (factories.submit(one, group, indicators=[MD5]).pk for one in organisations)
    has_looked, may_go_on, real = Event(), Event(), summary.audience_ids

    def held_up(signal_ids: Iterable[int]) -> dict[int, frozenset[int]]:
        if not has_looked.is_set():
            has_looked.set()
            assert may_go_on.wait(30)
        return real(signal_ids)

    monkeypatch.setattr(summary, "audience_ids", held_up)
    errors: list[BaseException] = []
    slow = worker([slow_signal], errors)
    # It has read the notices, and stands still.
    assert has_looked.wait(30)
    quick = worker([quick_signal], errors)
    quick.join(1)
    may_go_on.set()
    for one in (slow, quick):
        one.join(30)
    assert errors == []
    for notice in FloodNotice.objects.all():
        assert notice.told == 3, "the one that crossed the limit, and these two"
        assert {slow_signal, quick_signal} <= set(notice.newest)
    assert FloodNotice.objects.count() == 2
