"""When a webhook is switched off, by whom, and what becomes of what waits."""

from __future__ import annotations

import pytest

from accounts.actor import Actor
from accounts.models import Organisation
from hub.audit.models import AuditEntry
from sharing.notifications.models import WebhookDelivery, WebhookEndpoint
from sharing.notifications.outcomes import WAITS
from sharing.notifications.services import NewSecret, change_webhook, replay_failed, send_test
from sharing.signals.models import Signal
from tests.notifications.receiver import Receiver, status
from tests.notifications.working import later, only_delivery, work

pytestmark = pytest.mark.django_db
State, Error = WebhookDelivery.State, WebhookDelivery.Error


def test_gone_switches_off_at_once_and_is_written_down(
    pair: tuple[Signal, Signal], hook: NewSecret, receiver: Receiver, alpha: Organisation
) -> None:
    receiver.replies = [status(410)]
    work()
    endpoint, delivery = WebhookEndpoint.objects.get(), only_delivery()
    assert (endpoint.state, endpoint.cause) == ("disabled", "gone")
    assert (delivery.state, delivery.last_error) == (State.FAILED, Error.GONE)
    entry = AuditEntry.objects.get(action="webhook.disabled")
    assert (entry.organisation_id, entry.actor, entry.detail["cause"]) == (alpha.pk, "the hub", "gone")
    assert receiver.url not in str(entry.detail)


def test_three_days_without_a_success_switch_off(pair: tuple[Signal, Signal], receiver: Receiver, actor: Actor) -> None:
    receiver.always = status(500)
    work()
    for wait in WAITS:
        later(seconds=wait.total_seconds() * 1.2)
    assert len(receiver.received) == len(WAITS) + 1
    delivery, endpoint = only_delivery(), WebhookEndpoint.objects.get()
    assert (delivery.state, delivery.last_error, delivery.last_status) == (State.FAILED, Error.STATUS, 500)
    assert (endpoint.state, endpoint.cause) == ("disabled", "failing")
    # Switched on again it starts afresh, and what failed is sent by hand.
    receiver.always = status(204)
    change_webhook(actor=actor, uuid=endpoint.uuid, changes={"enabled": True})
    assert replay_failed(actor=actor, uuid=endpoint.uuid, since=delivery.created_at) == 1
    work()
    assert only_delivery().state == State.DELIVERED
    assert len(set(receiver.messages)) == 1


def test_one_message_that_nobody_takes_does_not_switch_off(
    pair: tuple[Signal, Signal], hook: NewSecret, receiver: Receiver, actor: Actor
) -> None:
    receiver.always = status(500)
    work()
    for wait in WAITS[:-1]:
        later(seconds=wait.total_seconds() * 1.2)
    receiver.replies = [status(204)]
    send_test(actor=actor, uuid=hook.endpoint.uuid)
    work()
    later(seconds=WAITS[-1].total_seconds() * 1.2)
    assert WebhookDelivery.objects.get(event="match.found").state == State.FAILED
    assert WebhookEndpoint.objects.get().is_enabled


def test_switched_off_ends_what_waits(
    pair: tuple[Signal, Signal], hook: NewSecret, receiver: Receiver, actor: Actor
) -> None:
    receiver.always = status(500)
    work()
    change_webhook(actor=actor, uuid=hook.endpoint.uuid, changes={"enabled": False})
    later(days=1)
    assert len(receiver.received) == 1
    delivery = only_delivery()
    assert (delivery.state, delivery.last_error) == (State.FAILED, Error.DISABLED)
