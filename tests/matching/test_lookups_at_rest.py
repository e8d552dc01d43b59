"""Between two submissions a look-up asks for holders alone; and misses nothing that came the moment before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Organisation
from sharing.matching.lookups import look_up
from sharing.signals.inputs import IndicatorInput
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, NEAR, ALSO_NEAR, FAR = "ffff0000ffff0000", "ffff0000ffff0001", "ffff0000ffff0003", "0123456789abcdef"


@pytest.fixture
def watching(alpha: Organisation, group: SharingGroup) -> Organisation:
    """Its process has caught up with one signal."""
    submit(alpha, group, FIRST)
    told(alpha)
    return alpha


def submit(organisation: Organisation, group: SharingGroup, *hashes: str) -> Signal:
    return factories.submit(organisation, group, indicators=[("phash", value) for value in hashes])


def told(organisation: Organisation, value: str = FIRST) -> set[int]:
    (answer,) = look_up(actor=factories.actor_for(organisation), items=[IndicatorInput("phash", value)])
    return {found.signal.pk for found in answer.found}


@contextmanager
def statements(count: int) -> Iterator[None]:
    """Of which look-ups send this many that read the hashes or who holds them."""
    with CaptureQueriesContext(connection) as queries:
        yield
    sent = [query["sql"] for query in queries if "sharing_indicator" in query["sql"]]
    assert len(sent) == count, sent


def test_one_statement_is_enough_while_nothing_comes_in(watching: Organisation) -> None:
    with statements(1):
        told(watching)
    with statements(1):
        assert told(watching, FAR) == set()


def test_what_was_committed_just_now_is_found_and_then_known(watching: Organisation, group: SharingGroup) -> None:
    signal = submit(watching, group, NEAR)
    with statements(3):  # the holders, and more hashes than were known; those; the holders again
        assert signal.pk in told(watching)
    with statements(1):
        assert signal.pk in told(watching)


def test_what_another_transaction_commits_late_is_found(watching: Organisation, group: SharingGroup) -> None:
    written, commit, done = threading.Event(), threading.Event(), threading.Event()
    signals: list[Signal] = []

    def slow_writer() -> None:
        try:
            with transaction.atomic():
                signals.append(submit(watching, group, ALSO_NEAR))
                written.set()
                commit.wait(10)
            done.set()
        finally:
            connection.close()

    thread = threading.Thread(target=slow_writer)
    thread.start()
    assert written.wait(10)
    quick = submit(watching, group, NEAR)
    # The slow one, whose transaction is older, is still open: to be asked for each time.
    assert quick.pk in told(watching)
    with statements(2):
        assert signals[0].pk not in told(watching)
    commit.set()
    assert done.wait(10)
    assert {quick.pk, signals[0].pk} <= told(watching)
    thread.join()
    with statements(1):
        assert {quick.pk, signals[0].pk} <= told(watching)


def test_a_table_that_was_written_anew_is_not_taken_for_the_old_one(
    watching: Organisation, group: SharingGroup
) -> None:
    with connection.cursor() as cursor:
        # As after a restore: other rows, under transactions that may be older than what was seen.
        cursor.execute("TRUNCATE sharing_indicator RESTART IDENTITY CASCADE")
    signal = submit(watching, group, NEAR)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sharing_indicator SET commit_xid = '3'")
    assert told(watching) == {signal.pk}


def test_many_types_at_once(watching: Organisation, group: SharingGroup) -> None:
    def ask() -> list[Any]:
        items = [IndicatorInput(name, FIRST) for name in ("phash", "dhash")]
        return [[found.signal.pk for found in one.found] for one in look_up(actor=actor, items=items)]

    actor = factories.actor_for(watching)
    first = ask()
    assert first[0]
    assert not first[1]
    with statements(1):
        assert ask() == first
    other = factories.submit(watching, group, indicators=[("dhash", NEAR)])
    assert ask() == [first[0], [other.pk]]
