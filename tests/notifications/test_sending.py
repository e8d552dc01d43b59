"""From what happens in the hub to what a receiver gets, and what follows from its answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Organisation
from hub.outbox.models import OutboxEvent
from sharing.matching.models import Match, Rematch
from sharing.matching.rematches import start_rematch
from sharing.matching.services import give_verdict
from sharing.notifications import outcomes
from sharing.notifications.announcing import announce
from sharing.notifications.models import WebhookDelivery, WebhookEndpoint, WebhookSecret, WebhookTurn
from sharing.notifications.outcomes import WAITS
from sharing.notifications.sending import AT_ONCE_EACH, LEASE, send_due
from sharing.notifications.services import (
    NewSecret,
    change_webhook,
    create_webhook,
    purge_ended,
    replay,
    rotate_secret,
    send_test,
)
from sharing.notifications.turns import Turn
from sharing.signals.models import Signal
from sharing.signals.services import retract_signal
from sharing.visibility.models import SharingGroup
from tests import factories
from tests.notifications.receiver import Receiver, after, status
from tests.notifications.working import SAME, later, only_delivery, submit, work

pytestmark = pytest.mark.django_db
State, Error = WebhookDelivery.State, WebhookDelivery.Error


def test_a_match_is_told_in_ids_and_verifies(
    hook: NewSecret, pair: tuple[Signal, Signal], receiver: Receiver, alpha: Organisation
) -> None:
    work()
    (received,) = receiver.received
    message = received.verified(hook.text)
    match = Match.objects.get(recipient=alpha)
    assert message["type"] == "match.found"
    assert message["data"] == {"match": str(match.uuid), "signal": str(match.signal.uuid), "kind": "content"}
    assert received.headers["content-type"] == "application/json"
    delivery = only_delivery()
    assert (delivery.state, delivery.attempts, delivery.last_status) == (State.DELIVERED, 1, 204)
    assert received.id == delivery.message_id
    assert message["timestamp"].startswith(delivery.created_at.strftime("%Y-%m-%dT%H:%M:%S"))


def test_the_work_done_twice_tells_once(pair: tuple[Signal, Signal], receiver: Receiver) -> None:
    work()
    for event in OutboxEvent.objects.order_by("pk"):
        if event.topic == "matches.told":
            announce([event])
        elif event.topic == "signals.changed":
            OutboxEvent.objects.filter(pk=event.pk).update(done_at=None)
    work()
    assert WebhookDelivery.objects.count() == len(receiver.received) == 1


def test_a_match_that_relates_to_more_is_updated(
    hook: NewSecret, receiver: Receiver, alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    more = [*SAME, ("md5", "0cc175b9c0f1b6a831c399e269772661")]
    for indicators in (SAME, more[1:]):
        factories.submit(alpha, group, indicators=indicators)
        work()
    for indicators in (SAME, more, more):  # the last time nothing is new
        factories.submit(beta, group, external_id="b-1", indicators=indicators)
        work()
    first, second = (received.verified(hook.text) for received in receiver.received)
    assert (first["type"], second["type"]) == ("match.found", "match.updated")
    assert first["data"] == second["data"]


def test_a_verdict_is_told_to_who_gave_it(
    hook: NewSecret, pair: tuple[Signal, Signal], receiver: Receiver, actor: Actor, beta: Organisation
) -> None:
    work()
    for who in (actor, factories.actor_for(beta)):
        match = Match.objects.visible_to(who).get()
        give_verdict(actor=who, uuid=match.uuid, verdict="disputed", note="Told nobody.")
    work()
    first, second = (received.verified(hook.text) for received in receiver.received)
    assert (first["type"], second["type"]) == ("match.found", "match.reviewed")
    assert second["data"]["match"] == first["data"]["match"]


def test_a_retraction_is_told_to_who_could_see_the_signal(
    hook: NewSecret, pair: tuple[Signal, Signal], receiver: Receiver, beta: Organisation
) -> None:
    work()
    hidden = factories.submit(beta, tlp="RED", named_organisations=(factories.make_organisation("gamma").slug,))
    for signal in (pair[1], hidden):
        retract_signal(actor=factories.actor_for(beta), uuid=signal.uuid, reason="A mistake.")
    work()
    message = receiver.received[-1].verified(hook.text)
    assert len(receiver.received) == 2
    assert (message["type"], message["data"]) == ("signal.retracted", {"signal": str(pair[1].uuid), "kind": "content"})
    assert b"mistake" not in receiver.received[-1].body


def test_a_retraction_is_not_told_of_a_signal_that_had_expired(
    pair: tuple[Signal, Signal], receiver: Receiver, beta: Organisation
) -> None:
    """It was hidden already, and so is what becomes of it."""
    work()
    Signal.objects.filter(pk=pair[1].pk).update(expires_at=timezone.now())
    retract_signal(actor=factories.actor_for(beta), uuid=pair[1].uuid, reason="A mistake.")
    work()
    assert len(receiver.received) == 1


def test_a_signal_that_is_no_longer_retracted_when_it_is_sent_is_not_told(
    pair: tuple[Signal, Signal], receiver: Receiver, beta: Organisation
) -> None:
    work()
    receiver.replies = [status(500)]
    retract_signal(actor=factories.actor_for(beta), uuid=pair[1].uuid, reason="A mistake.")
    work()
    Signal.objects.filter(pk=pair[1].pk).update(retracted_at=None)
    later(seconds=10)
    assert WebhookDelivery.objects.get(event="signal.retracted").state == State.DROPPED


def test_what_was_found_later_is_one_message(
    hook: NewSecret, alpha: Organisation, beta: Organisation, group: SharingGroup, receiver: Receiver
) -> None:
    for organisation in (alpha, beta, beta):
        submit(organisation, group)
    OutboxEvent.objects.all().delete()
    start_rematch(actor=factories.make_operator(), reason="Signals were imported.", cause=Rematch.Cause.IMPORT)
    work()
    rematch = Rematch.objects.get()
    assert Match.objects.filter(recipient=alpha, rematch=rematch).count() >= 2
    (received,) = receiver.received
    message = received.verified(hook.text)
    assert (message["type"], message["data"]) == ("rematch.found", {"rematch": str(rematch.uuid), "cause": "import"})


def test_the_filter_of_events_holds(
    hook: NewSecret, pair: tuple[Signal, Signal], receiver: Receiver, actor: Actor
) -> None:
    change_webhook(actor=actor, uuid=hook.endpoint.uuid, changes={"events": ["signal.retracted"]})
    work()
    assert receiver.received == []
    assert not WebhookDelivery.objects.exists()


def test_others_are_told_nothing(
    pair: tuple[Signal, Signal], hook: NewSecret, receiver: Receiver, settings: object
) -> None:
    outsider = factories.make_organisation("outsider")
    create_webhook(actor=factories.actor_for(outsider), url=receiver.url, events=["match.found"])
    work()
    assert WebhookDelivery.objects.filter(endpoint__organisation=outsider).count() == 0
    assert len(receiver.received) == 1


def test_what_is_no_longer_visible_when_it_is_sent_is_dropped(
    pair: tuple[Signal, Signal], receiver: Receiver, group: SharingGroup, alpha: Organisation
) -> None:
    receiver.replies = [status(500)]
    work()
    group.grants.filter(group=alpha.group).delete()
    later(seconds=10)
    assert len(receiver.received) == 1
    delivery = only_delivery()
    assert (delivery.state, delivery.last_status) == (State.DROPPED, None)
    assert delivery.finished_at is not None


def test_a_suspended_organisation_is_not_called(
    pair: tuple[Signal, Signal], receiver: Receiver, alpha: Organisation
) -> None:
    receiver.replies = [status(500)]
    work()
    Organisation.objects.filter(pk=alpha.pk).update(status=Organisation.Status.SUSPENDED)
    later(seconds=10)
    assert len(receiver.received) == 1
    assert only_delivery().state == State.WAITING


def test_a_failure_is_tried_again_with_the_same_id_until_it_is_taken(
    pair: tuple[Signal, Signal], hook: NewSecret, receiver: Receiver
) -> None:
    receiver.replies = [status(500), status(302, Location="/"), status(503)]
    work()
    for wait in WAITS[:3]:
        delivery, endpoint = only_delivery(), WebhookEndpoint.objects.get()
        left = delivery.due_at - timezone.now()
        assert wait * 0.85 < left < wait * 1.11
        assert endpoint.failing_since is not None
        assert send_due() == 0
        later(seconds=left.total_seconds() + 1)
    assert len(set(receiver.messages)) == 1
    assert len({received.body for received in receiver.received}) == 1
    for received in receiver.received:
        received.verified(hook.text)
    delivery, endpoint = only_delivery(), WebhookEndpoint.objects.get()
    assert (delivery.state, delivery.attempts, delivery.last_error) == (State.DELIVERED, 4, "")
    assert (endpoint.failing_since, endpoint.failures, endpoint.paused_until) == (None, 0, None)


def test_the_tries_last_three_days() -> None:
    assert timedelta(days=2, hours=22) < sum(WAITS, timedelta(0)) < timedelta(days=3, hours=2)


@pytest.mark.parametrize(("wish", "waits"), [(3_600, 3_600), (1, 5), (10**8, 6 * 3_600)])
def test_retry_after_is_respected_within_bounds(
    pair: tuple[Signal, Signal], receiver: Receiver, wish: int, waits: int
) -> None:
    receiver.replies = [status(429, Retry_After=str(wish))]
    work()
    delivery, endpoint = only_delivery(), WebhookEndpoint.objects.get()
    assert abs((delivery.due_at - timezone.now()).total_seconds() - waits) < 0.2 * waits
    assert endpoint.paused_until is not None
    assert (endpoint.paused_until > timezone.now() + timedelta(minutes=30)) is (wish >= 3_600)


def test_a_row_whose_worker_died_is_sent_again_after_its_lease(pair: tuple[Signal, Signal], receiver: Receiver) -> None:
    receiver.replies = [status(500)]
    work()
    # As a worker leaves it that is killed between claiming and the answer.
    WebhookDelivery.objects.update(attempts=2, due_at=timezone.now() + timedelta(seconds=LEASE))
    WebhookEndpoint.objects.update(paused_until=None)
    assert send_due() == 0
    later(seconds=LEASE)
    assert only_delivery().state == State.DELIVERED


def test_an_answer_that_comes_after_its_lease_overwrites_nothing_but_by_success(
    pair: tuple[Signal, Signal], receiver: Receiver
) -> None:
    receiver.replies = [status(500)]
    work()
    late = only_delivery()
    WebhookDelivery.objects.update(attempts=2)
    outcomes.note(late, outcomes.Answer(500, Error.STATUS))
    assert only_delivery().due_at == late.due_at
    outcomes.note(late, outcomes.Answer(200))
    assert only_delivery().state == State.DELIVERED


def test_both_secrets_sign_while_they_overlap(hook: NewSecret, receiver: Receiver, actor: Actor) -> None:
    uuid = hook.endpoint.uuid
    fresh = rotate_secret(actor=actor, uuid=uuid, overlap=timedelta(hours=24))
    send_test(actor=actor, uuid=uuid)
    work()
    for secret in (hook.text, fresh.text):
        assert receiver.received[0].verified(secret)["type"] == "webhook.test"
    WebhookSecret.objects.filter(expires_at__isnull=False).update(expires_at=timezone.now())
    send_test(actor=actor, uuid=uuid)
    work()
    assert receiver.received[1].headers["webhook-signature"].count("v1,") == 1
    receiver.received[1].verified(fresh.text)


def test_a_secret_that_cannot_be_read_is_a_failure_and_no_defect(
    hook: NewSecret, receiver: Receiver, actor: Actor
) -> None:
    other = create_webhook(actor=actor, url=receiver.url, events=["match.found"])
    stolen = WebhookSecret.objects.get(endpoint=other.endpoint).encrypted
    WebhookSecret.objects.filter(endpoint=hook.endpoint).update(encrypted=stolen)
    send_test(actor=actor, uuid=hook.endpoint.uuid)
    work()
    assert receiver.received == []
    delivery = only_delivery()
    assert (delivery.state, delivery.last_error) == (State.WAITING, Error.SECRET)


def test_a_slow_receiver_does_not_hold_up_another(
    hook: NewSecret, receiver: Receiver, actor: Actor, beta: Organisation
) -> None:
    """Of 20 messages to one endpoint a few are under way at once."""
    quick = create_webhook(actor=factories.actor_for(beta), url=f"{receiver.url}/quick", events=["match.found"])
    receiver.always = after(0.1, status(204))
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(endpoint=endpoint, event="webhook.test", object_id=number, source_id=1)
        for endpoint, count in ((hook.endpoint, 20), (quick.endpoint, 1))
        for number in range(count)
    )
    assert send_due() == 21
    assert "/hub/quick" in [received.path for received in receiver.received[: AT_ONCE_EACH + 2]]
    assert receiver.most_at_once <= AT_ONCE_EACH + 1
    assert not WebhookDelivery.objects.exclude(state=State.DELIVERED).exists()


def test_one_delivery_is_sent_again_by_hand(hook: NewSecret, receiver: Receiver, actor: Actor) -> None:
    send_test(actor=actor, uuid=hook.endpoint.uuid)
    work()
    replay(actor=actor, uuid=hook.endpoint.uuid, delivery=only_delivery().uuid)
    work()
    assert len(receiver.messages) == 2
    assert len(set(receiver.messages)) == 1


def test_what_ended_long_ago_is_deleted(hook: NewSecret, receiver: Receiver, actor: Actor) -> None:
    send_test(actor=actor, uuid=hook.endpoint.uuid)
    work()
    assert purge_ended() == 0
    WebhookDelivery.objects.update(finished_at=timezone.now() - timedelta(days=31))
    assert purge_ended() == 1


def test_one_sends_at_a_time_and_a_dead_sender_blocks_nobody_for_long(
    hook: NewSecret, receiver: Receiver, actor: Actor
) -> None:
    other = Turn()
    assert other.take()
    assert other.keep()
    send_test(actor=actor, uuid=hook.endpoint.uuid)
    work()
    assert receiver.received == []
    WebhookTurn.objects.update(until=timezone.now())
    assert send_due() == 1
    assert len(receiver.received) == 1
    # It was given back; the other, had it only been slow, would notice.
    assert Turn().take()
    assert not other.take()
