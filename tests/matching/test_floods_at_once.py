"""Two workers cross the limit at the same moment: one flood, and each signal counted once."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection

from sharing.matching.floods import guard
from sharing.matching.floods.models import Flood, FloodNotice
from sharing.matching.services import match_signals
from tests import factories
from tests.matching.test_floods import LIMIT, MD5, near

pytestmark = pytest.mark.django_db(transaction=True)


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

    def work(chunk: list[int]) -> None:
        try:
            match_signals(chunk)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    workers = [Thread(target=work, args=(signals[part::2],)) for part in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert errors == []
    assert Flood.objects.get().summarised == 2 * LIMIT
    assert list(FloodNotice.objects.values_list("told", flat=True)) == [2 * LIMIT] * 3
