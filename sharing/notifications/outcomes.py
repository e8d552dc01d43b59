"""What follows from an attempt: done, another try, or the end; and an endpoint that is switched off (floor 5)."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from hub.audit.models import Accountable
from hub.audit.services import TheHub, record
from sharing.notifications.models import WebhookDelivery, WebhookEndpoint
from sharing.notifications.posting import Answer

log = structlog.get_logger(__name__)

State, Error, Cause = WebhookDelivery.State, WebhookDelivery.Error, WebhookEndpoint.Cause

# Waits between the attempts of a message: three days in all. Much like the schedule that Standard Webhooks suggests.
WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=20),
)
# So that what failed together does not come back together.
JITTER: Final = 0.1
# A receiver may ask for more time, within this.
MOST_RETRY_AFTER: Final = timedelta(hours=6)
# When a message has been tried for the last time, an endpoint that has taken nothing for so long is switched off.
HOPELESS: Final = timedelta(days=2)
# A failing endpoint is left alone: doubling from the first to the last.
_FIRST_PAUSE: Final = timedelta(seconds=2)
_LAST_PAUSE: Final = timedelta(minutes=5)
_MOST_DOUBLINGS: Final = 8


def note(delivery: WebhookDelivery, answer: Answer) -> None:
    """Write down what came of an attempt.

    Not over what came of a later one: this one may have taken longer than its lease. Only a success always counts.
    """
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=delivery.endpoint_id).first()
        row = WebhookDelivery.objects.select_for_update().filter(pk=delivery.pk).first()
        if endpoint is None or row is None or row.state in (State.DELIVERED, State.DROPPED):
            return
        row.last_status, row.last_error = answer.status, answer.error
        if answer.accepted:
            _end(row, State.DELIVERED)
            _recovered(endpoint)
        elif row.attempts == delivery.attempts and row.state == State.WAITING:
            _failed(endpoint, row, answer)
    log.info(
        "webhook.attempt", endpoint=str(endpoint.uuid), message=row.message_id, status=answer.status, error=answer.error
    )


def drop(delivery: WebhookDelivery) -> None:
    """The organisation may not be told of this any more. Nothing was sent."""
    WebhookDelivery.objects.filter(pk=delivery.pk, state=State.WAITING).update(
        state=State.DROPPED, finished_at=Now(), last_error="", last_status=None
    )


def _failed(endpoint: WebhookEndpoint, row: WebhookDelivery, answer: Answer) -> None:
    now = timezone.now()
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    doubled = _FIRST_PAUSE * 2 ** min(endpoint.failures - 1, _MOST_DOUBLINGS)
    endpoint.paused_until = now + max(min(doubled, _LAST_PAUSE), _wish(answer))
    endpoint.save(update_fields=["failures", "failing_since", "paused_until"])
    if answer.error == Error.GONE:
        _end(row, State.FAILED)
        disable(endpoint, cause=Cause.GONE, actor=TheHub(endpoint.organisation_id))
    elif row.attempts > len(WAITS):
        _end(row, State.FAILED)
        if endpoint.is_enabled and now - endpoint.failing_since >= HOPELESS:
            disable(endpoint, cause=Cause.FAILING, actor=TheHub(endpoint.organisation_id))
    else:
        jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - to spread, not to hide
        row.due_at = now + max(WAITS[row.attempts - 1] * jitter, _wish(answer))
        row.save(update_fields=["due_at", "last_status", "last_error"])


def _wish(answer: Answer) -> timedelta:
    return min(timedelta(seconds=max(answer.retry_after or 0, 0)), MOST_RETRY_AFTER)


def _end(row: WebhookDelivery, state: str) -> None:
    row.state, row.finished_at = state, timezone.now()
    row.save(update_fields=["state", "finished_at", "last_status", "last_error"])


def _recovered(endpoint: WebhookEndpoint) -> None:
    if endpoint.failing_since is not None:
        endpoint.failing_since, endpoint.paused_until, endpoint.failures = None, None, 0
        endpoint.save(update_fields=["failing_since", "paused_until", "failures"])


def disable(endpoint: WebhookEndpoint, *, cause: str, actor: Accountable, reason: str = "") -> None:
    """Switch off, and end what waits: it can be sent again by hand (replay). The caller holds the endpoint's row."""
    if not endpoint.is_enabled:
        return
    endpoint.state, endpoint.cause, endpoint.disabled_at = WebhookEndpoint.State.DISABLED, cause, timezone.now()
    endpoint.save(update_fields=["state", "cause", "disabled_at"])
    waiting = WebhookDelivery.objects.filter(endpoint=endpoint, state=State.WAITING)
    ended = waiting.update(state=State.FAILED, last_error=Error.DISABLED, finished_at=Now())
    record(
        actor=actor,
        action="webhook.disabled",
        object_type="webhook",
        object_id=endpoint.uuid,
        reason=reason,
        cause=cause,
        deliveries_ended=ended,
    )
