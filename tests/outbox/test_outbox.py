"""The outbox: work is a row before it is a message."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery import current_app
from django.conf import LazySettings
from django.db import transaction
from django.db.models.functions import Now
from kombu import Queue

from hub.outbox import services
from hub.outbox.models import OutboxEvent
from hub.outbox.services import emit, handle, purge_done, relay_due, still_working

pytestmark = pytest.mark.django_db
TOPIC = "signals.changed"


@pytest.fixture
def messages() -> Iterator[list[list[int]]]:
    """Event ids of the messages that reached the broker, emptied before and read after."""
    queue = Queue(current_app.conf.task_default_queue)
    found: list[list[int]] = []
    with current_app.connection() as broker:
        bound = queue(broker.default_channel)
        bound.declare()
        bound.purge()

        class Reader(list[list[int]]):
            def __iter__(self) -> Iterator[list[int]]:
                while (message := bound.get(no_ack=True)) is not None:
                    found.append(message.payload[0][0])
                return iter(found)

        yield Reader()
        bound.purge()


def due(event: OutboxEvent) -> None:
    OutboxEvent.objects.filter(pk=event.pk).update(due_at=Now())


def test_a_row_is_handed_over_once_within_its_lease(messages: list[list[int]]) -> None:
    first, second = emit(TOPIC, {"signals": [1]}), emit(TOPIC, {"signals": [2]})
    assert relay_due() == 2
    assert relay_due() == 0
    assert list(messages) == [[first.pk, second.pk]]


def test_a_row_whose_message_was_lost_is_handed_over_again(messages: list[list[int]]) -> None:
    event = emit(TOPIC, {"signals": [1]})
    relay_due()
    due(event)
    assert relay_due() == 1
    assert list(messages) == [[event.pk], [event.pk]]


def test_a_row_that_is_rolled_back_was_never_promised() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        emit(TOPIC, {})
        raise RuntimeError
    assert relay_due() == 0


def test_a_broker_that_is_away_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: object, **_kwargs: object) -> None:
        raise services.BrokerError

    event = emit(TOPIC, {})
    monkeypatch.setattr(current_app, "send_task", away)
    assert relay_due() == 1
    event.refresh_from_db()
    assert event.done_at is None


def test_done_is_marked_after_the_work_and_not_before() -> None:
    event = emit(TOPIC, {})
    seen = []
    handle([event.pk], lambda events: seen.append(OutboxEvent.objects.get(pk=events[0].pk).done_at))
    assert seen == [None]
    event.refresh_from_db()
    assert event.done_at is not None


def test_a_row_that_is_done_is_not_worked_on_again() -> None:
    event = emit(TOPIC, {})
    handle([event.pk], lambda events: None)
    handle([event.pk], lambda events: pytest.fail("worked twice"))


def test_one_bad_row_does_not_hold_up_the_others() -> None:
    bad, good = emit(TOPIC, {"bad": True}), emit(TOPIC, {"bad": False})

    def work(events: list[OutboxEvent]) -> None:
        if any(event.payload["bad"] for event in events):
            raise ValueError("quotes somebody@example.org")

    with pytest.raises(ValueError, match="quotes"):
        handle([bad.pk, good.pk], work)
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.done_at, bad.last_error) == (None, "ValueError")
    assert good.done_at is not None


def test_long_work_renews_its_lease(settings: LazySettings) -> None:
    event = emit(TOPIC, {})
    relay_due()
    due(event)
    still_working([event])
    assert relay_due() == 0


def test_a_topic_without_a_route_is_refused() -> None:
    with pytest.raises(LookupError):
        emit("nobody.cares", {})


def test_a_topic_of_a_newer_release_is_left_to_its_relay(messages: list[list[int]]) -> None:
    newer = OutboxEvent.objects.create(topic="of.tomorrow", payload={})
    known = emit(TOPIC, {"signals": []})
    assert relay_due() == 1
    assert list(messages) == [[known.pk]]
    newer.refresh_from_db()
    assert newer.attempts == 0


def test_old_finished_rows_are_purged_and_open_ones_never(settings: LazySettings) -> None:
    done, still_open = emit(TOPIC, {}), emit(TOPIC, {})
    OutboxEvent.objects.filter(pk=done.pk).update(done_at=Now() - timedelta(days=settings.OUTBOX_KEEP_DAYS, hours=1))
    assert purge_done() == 1
    assert OutboxEvent.objects.filter(pk=still_open.pk).exists()
