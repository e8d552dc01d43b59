"""A bulk upload and a batch that write the same rows wait for each other, and can't dead-lock."""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from django.db import Error, connection, transaction
from django.db.backends.utils import CursorWrapper

from accounts.models import Organisation
from hub.launcher.processes import wait_until
from sharing.signals.bulk.services import Piece, begin_upload, prepare_piece, store_piece
from sharing.signals.indicators import Indicator
from sharing.signals.inputs import SignalInput
from sharing.signals.models import Signal
from sharing.signals.services import submit_signals
from sharing.visibility.models import SharingGroup
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 8
ROWS = 300


def store_in_bulk(organisation: Organisation, rows: list[SignalInput], key: str) -> None:
    actor = factories.actor_for(organisation)
    hold = begin_upload(actor=actor, key=key, taken_over=lambda: False)
    store_piece(hold, Piece(actor, 1, prepare_piece(actor=actor, rows=rows, seen=set()), bytes(32), {}))


def at_once(*works: Callable[[], object]) -> list[Error]:
    errors: list[Error] = []
    barrier = Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            work()
        except Error as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


def rows_of(dice: random.Random, group: SharingGroup, number: int) -> list[SignalInput]:
    """Half of them are there already; every indicator is new, and in every list of this round."""
    return [
        factories.signal_input(
            group,
            external_id=f"{'old' if place % 2 else f'new-{number}'}-{place}",
            indicators=[("md5", f"{number:08x}{(place * 7919) % ROWS:024x}")],
        )
        for place in dice.sample(range(ROWS), ROWS)
    ]


def test_the_same_rows_in_bulk_and_in_a_batch_do_not_dead_lock() -> None:
    dice = random.Random(3)
    group, organisation = factories.make_group(), factories.make_organisation()
    factories.give(organisation, group)
    submit_signals(actor=factories.actor_for(organisation), items=rows_of(dice, group, 0))
    for number in range(1, ROUNDS + 1):
        lists = [rows_of(dice, group, number) for _list in range(3)]
        errors = at_once(
            lambda rows=lists[0], key=f"a-{number}": store_in_bulk(organisation, rows, key),  # type: ignore[misc]
            lambda rows=lists[1], key=f"b-{number}": store_in_bulk(organisation, rows, key),  # type: ignore[misc]
            lambda rows=lists[2]: submit_signals(actor=factories.actor_for(organisation), items=rows),  # type: ignore[misc]
        )
        assert errors == []
    assert Signal.objects.count() == ROWS + ROUNDS * ROWS // 2


def test_all_indicators_are_written_in_one_order(signal_there: Organisation) -> None:
    """Somebody who holds the first of two, and wants the second, is waited for."""
    low, high = "00" * 16, "ff" * 16
    group = SharingGroup.objects.get()
    rows = [
        factories.signal_input(group, external_id="new", indicators=[("md5", high)]),
        factories.signal_input(group, external_id="old", indicators=[("md5", low)]),
    ]
    errors: list[Error] = []
    with transaction.atomic():
        Indicator.objects.create(signal_type="md5", value=bytes.fromhex(low))
        thread = Thread(target=lambda: errors.extend(at_once(lambda: store_in_bulk(signal_there, rows, "key"))))
        thread.start()
        with connection.cursor() as cursor:
            assert wait_until(lambda: _somebody_waits(cursor), seconds=10.0, every=0.05)
        Indicator.objects.create(signal_type="md5", value=bytes.fromhex(high))
    thread.join(30)
    assert errors == []
    assert Signal.objects.count() == 2


@pytest.fixture
def signal_there() -> Organisation:
    group, organisation = factories.make_group(), factories.make_organisation()
    factories.give(organisation, group)
    factories.make_client(organisation)
    factories.submit(organisation, group, external_id="old")
    return organisation


def _somebody_waits(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(cursor.fetchone()[0])
