"""Locks that a submission takes: none that makes the matcher wait, or dead-lock, for as long as a batch lasts."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
from django.db import Error, connection, transaction

from sharing.matching.models import Match
from sharing.signals.models import Signal
from sharing.signals.services import retract_signal, submit_signals, update_signal
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def signal() -> Iterator[Signal]:
    group = factories.make_group()
    organisation = factories.make_organisation()
    factories.give(organisation, group)
    yield factories.submit(organisation, group, external_id="one")


def tell_of(signal: Signal, errors: list[Error]) -> None:
    """What a worker does at the end: write a row that refers to the signal, on a connection of its own."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            Match.objects.create(
                recipient_id=signal.organisation_id,
                signal=signal,
                strength=1,
                related_count=0,
                related=[],
                evidence=[],
            )
    except Error as error:
        errors.append(error)
    finally:
        connection.close()


@pytest.mark.parametrize("way", ["again", "change", "retract"])
def test_a_match_is_written_while_its_signal_is_being_changed(signal: Signal, way: str) -> None:
    actor = factories.actor_for(signal.organisation)
    errors: list[Error] = []
    with transaction.atomic():
        if way == "again":
            group = signal.groups.get()
            submit_signals(actor=actor, items=[factories.signal_input(group, external_id="one", summary="New.")])
        elif way == "change":
            update_signal(actor=actor, uuid=signal.uuid, changes={"summary": "New."})
        else:
            retract_signal(actor=actor, uuid=signal.uuid, reason="Wrong picture.")
        worker = Thread(target=tell_of, args=(signal, errors))
        worker.start()
        worker.join(10)
    assert errors == []
    assert Match.objects.get().signal == signal
