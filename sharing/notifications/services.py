"""Setting up webhooks, and sending again by hand (floor 5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from accounts.actor import Actor
from accounts.models import Organisation, Scope
from accounts.services import require_oversight
from hub.audit.services import record
from hub.errors import Conflict, Invalid, NotFound, NotPermitted, Problem
from hub.outbox.services import emit
from hub.words import LEAVE_OUT, problem_in, require_no_identifier
from sharing.notifications.addresses import read_url
from sharing.notifications.announcing import DUE
from sharing.notifications.keeping import MOST_OVERLAP, add_secret
from sharing.notifications.models import CHOSEN, NEEDED_SCOPES, EventType, WebhookDelivery, WebhookEndpoint
from sharing.notifications.outcomes import disable

MOST_ENDPOINTS: Final = 10
# Deliveries that one request makes due again.
MOST_REPLAYED: Final = 10_000
# Ended deliveries are kept for so long.
KEPT: Final = timedelta(days=30)
_PURGED_AT_ONCE: Final = 10_000

_State, _Cause = WebhookEndpoint.State, WebhookEndpoint.Cause


@dataclass(frozen=True, slots=True)
class NewSecret:
    endpoint: WebhookEndpoint
    # Shown once; the database has it encrypted only.
    text: str


def create_webhook(*, actor: Actor, url: str, events: Collection[str], description: str = "") -> NewSecret:
    """A new endpoint, enabled. Raises Invalid, Conflict when there are MOST_ENDPOINTS, NotPermitted (see below)."""
    organisation = actor.require(Scope.MANAGE_WEBHOOKS)
    fields = _read({"url": url, "events": events, "description": description})
    _require_events(actor, fields["events"])
    with transaction.atomic():
        # Two requests at the same moment count one after the other.
        Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
        if WebhookEndpoint.objects.filter(organisation=organisation).count() >= MOST_ENDPOINTS:
            raise Conflict(f"Your organisation has {MOST_ENDPOINTS} webhooks. Delete one first.")
        endpoint = WebhookEndpoint.objects.create(organisation=organisation, **fields)
        endpoint.refresh_from_db()
        secret = add_secret(endpoint, overlap=timedelta(0))
        _record(actor, "webhook.created", endpoint, events=fields["events"])
    return NewSecret(endpoint, secret)


def change_webhook(*, actor: Actor, uuid: UUID, changes: Mapping[str, Any]) -> WebhookEndpoint:
    """Change url, events, description or enabled; what is not named stays. A new address or a restart forgets failures.

    What was switched off by the operators only they switch on (Conflict).
    """
    fields = _read({name: value for name, value in changes.items() if name != "enabled"})
    with transaction.atomic():
        endpoint = _own_for_update(actor, uuid)
        for name, value in fields.items():
            setattr(endpoint, name, value)
        enabled = changes.get("enabled")
        if enabled or "url" in fields or "events" in fields:
            _require_events(actor, endpoint.events)
        if enabled and not endpoint.is_enabled:
            if endpoint.cause == _Cause.OPERATOR:
                raise Conflict("An administrator of the hub switched this webhook off. Ask them to switch it on.")
            _switch_on(endpoint)
        if "url" in fields:
            _forget_failures(endpoint)
        endpoint.save()
        if enabled is False:
            disable(endpoint, cause=_Cause.MEMBER, actor=actor)
        _record(actor, "webhook.changed", endpoint, fields=sorted(changes))
    return endpoint


def delete_webhook(*, actor: Actor, uuid: UUID) -> None:
    """With its secrets and deliveries."""
    with transaction.atomic():
        endpoint = _own_for_update(actor, uuid)
        _record(actor, "webhook.deleted", endpoint)
        endpoint.delete()


def rotate_secret(*, actor: Actor, uuid: UUID, overlap: timedelta) -> NewSecret:
    """A new secret. For `overlap`, at most MOST_OVERLAP, the one before signs too; 0 cuts it at once."""
    if not timedelta(0) <= overlap <= MOST_OVERLAP:
        most = int(MOST_OVERLAP / timedelta(hours=1))
        message = f"The overlap is not between 0 and {most} hours."
        raise Invalid([Problem("/overlap_hours", "out_of_range", message, f"Send a number from 0 to {most}.")])
    with transaction.atomic():
        endpoint = _own_for_update(actor, uuid)
        secret = add_secret(endpoint, overlap=overlap)
        hours = overlap / timedelta(hours=1)
        _record(actor, "webhook.secret_rotated", endpoint, overlap_hours=hours)
    return NewSecret(endpoint, secret)


def send_test(*, actor: Actor, uuid: UUID) -> WebhookDelivery:
    """Have a test sent, at once also to an endpoint that has failed. One at a time (Conflict)."""
    with transaction.atomic():
        endpoint = _enabled(_own_for_update(actor, uuid))
        waiting = WebhookDelivery.objects.filter(endpoint=endpoint, state=WebhookDelivery.State.WAITING)
        if waiting.filter(event=EventType.TEST).exists():
            raise Conflict("A test is on its way already. Look at the deliveries.")
        source = emit(DUE, {})
        delivery = WebhookDelivery.objects.create(
            endpoint=endpoint, event=EventType.TEST, object_id=0, source_id=source.pk
        )
        delivery.refresh_from_db()
        _leave_no_pause(endpoint)
        _record(actor, "webhook.tested", endpoint)
    return delivery


def replay(*, actor: Actor, uuid: UUID, delivery: UUID) -> WebhookDelivery:
    """Send one delivery that has ended again, with the same webhook-id and all its tries."""
    with transaction.atomic():
        endpoint = _enabled(_own_for_update(actor, uuid))
        rows = WebhookDelivery.objects.filter(endpoint=endpoint, uuid=delivery)
        row = rows.select_for_update().first()
        if row is None:
            raise NotFound
        if row.state == WebhookDelivery.State.WAITING:
            raise Conflict("This delivery is waiting for its next attempt already.")
        rows.update(**_AGAIN)
        row.refresh_from_db()
        emit(DUE, {})
        _leave_no_pause(endpoint)
        _record(actor, "webhook.replayed", endpoint, count=1)
    return row


def replay_failed(*, actor: Actor, uuid: UUID, since: datetime) -> int:
    """Send again what failed of the events since then, the oldest MOST_REPLAYED. Gives how many; repeat for more."""
    with transaction.atomic():
        endpoint = _enabled(_own_for_update(actor, uuid))
        failed = WebhookDelivery.objects.filter(
            endpoint=endpoint, state=WebhookDelivery.State.FAILED, created_at__gte=since
        )
        ids = list(failed.order_by("pk").values_list("pk", flat=True)[:MOST_REPLAYED])
        count = failed.filter(pk__in=ids).update(**_AGAIN)
        if count:
            emit(DUE, {})
            _leave_no_pause(endpoint)
        _record(actor, "webhook.replayed", endpoint, count=count)
    return count


_AGAIN: Final = {"state": WebhookDelivery.State.WAITING, "attempts": 0, "due_at": Now(), "finished_at": None}


def oversee_webhook(*, actor: Actor, uuid: UUID, enabled: bool, reason: str) -> WebhookEndpoint:
    """Switch a member's webhook off or on, for administrators of the hub, with a reason that the audit keeps."""
    require_oversight(actor)
    require_no_identifier(reason, "/reason")
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.overseen_by(actor).select_for_update(no_key=True).filter(uuid=uuid).first()
        if endpoint is None:
            raise NotFound
        if endpoint.is_enabled == enabled:
            raise Conflict("It is so already.")
        if enabled:
            _switch_on(endpoint)
            endpoint.save()
            _record(actor, "webhook.enabled", endpoint, reason=reason)
        else:
            disable(endpoint, cause=_Cause.OPERATOR, actor=actor, reason=reason)
    return endpoint


def purge_ended() -> int:
    """Delete deliveries that ended more than KEPT ago, some at a time. Returns how many."""
    old = WebhookDelivery.objects.filter(finished_at__lt=Now() - KEPT).values("pk")[:_PURGED_AT_ONCE]
    return WebhookDelivery.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()[0]


def _read(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as they are stored. Raises Invalid with all that is wrong."""
    problems: list[Problem] = []
    read = dict(fields)
    if "url" in fields:
        try:
            read["url"] = read_url(fields["url"])
        except Invalid as error:
            problems += error.problems
    if "events" in fields:
        read["events"] = [name for name in CHOSEN if name in set(fields["events"])]
        if not fields["events"] or set(fields["events"]) - set(CHOSEN):
            mend = f"Send at least one of: {', '.join(CHOSEN)}."
            problems.append(Problem("/events", "unknown", "These are not events that a webhook can be told of.", mend))
    if "description" in fields:
        problems += filter(None, [problem_in(fields["description"], "/description", LEAVE_OUT)])
    if problems:
        raise Invalid(problems)
    return read


def _require_events(actor: Actor, events: Collection[str]) -> None:
    """Nobody sends to an address of its choice what it may not read itself (NotPermitted)."""
    for name in events:
        if not actor.may(NEEDED_SCOPES[name]):
            raise NotPermitted(f"To be told of {name} needs the scope {NEEDED_SCOPES[name]} too.")


def _own_for_update(actor: Actor, uuid: UUID) -> WebhookEndpoint:
    actor.require(Scope.MANAGE_WEBHOOKS)
    own = WebhookEndpoint.objects.visible_to(actor).select_for_update(of=("self",), no_key=True)
    endpoint = own.filter(uuid=uuid).first()
    if endpoint is None:
        raise NotFound
    return endpoint


def _enabled(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    if not endpoint.is_enabled:
        raise Conflict("This webhook is switched off. Switch it on first.")
    return endpoint


def _switch_on(endpoint: WebhookEndpoint) -> None:
    endpoint.state, endpoint.cause, endpoint.disabled_at = _State.ENABLED, _Cause.NONE, None
    _forget_failures(endpoint)


def _forget_failures(endpoint: WebhookEndpoint) -> None:
    endpoint.failures, endpoint.failing_since, endpoint.paused_until = 0, None, None


def _leave_no_pause(endpoint: WebhookEndpoint) -> None:
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(paused_until=None)


def _record(actor: Actor, action: str, endpoint: WebhookEndpoint, *, reason: str = "", **detail: Any) -> None:
    """Without the address: it may hold a member's own key."""
    record(actor=actor, action=action, object_type="webhook", object_id=endpoint.uuid, reason=reason, **detail)
