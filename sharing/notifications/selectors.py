"""Reads on webhooks and deliveries (floor 5)."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import OuterRef, Prefetch, Subquery

from accounts.actor import Actor
from accounts.models import Scope
from hub.errors import NotFound
from sharing.notifications.keeping import live
from sharing.notifications.models import EndpointQuerySet, WebhookDelivery, WebhookEndpoint, WebhookSecret


def webhooks(actor: Actor) -> list[WebhookEndpoint]:
    """The organisation's own, newest first. There are few: services.MOST_ENDPOINTS."""
    actor.require(Scope.MANAGE_WEBHOOKS)
    return list(_with_secrets(WebhookEndpoint.objects.visible_to(actor)).order_by("-pk"))


def webhook(actor: Actor, uuid: UUID) -> WebhookEndpoint:
    actor.require(Scope.MANAGE_WEBHOOKS)
    found = _with_secrets(WebhookEndpoint.objects.visible_to(actor)).filter(uuid=uuid).first()
    if found is None:
        raise NotFound
    return found


def deliveries_page(
    actor: Actor, uuid: UUID, *, state: str = "", before: int | None = None, size: int = 50
) -> list[WebhookDelivery]:
    """An endpoint's deliveries, newest first; `before` is the id that the last page ended with."""
    rows = WebhookDelivery.objects.visible_to(actor).filter(endpoint=webhook(actor, uuid))
    if state:
        rows = rows.filter(state=state)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[:size])


def newest_deliveries(actor: Actor, endpoints: Iterable[WebhookEndpoint]) -> dict[int, WebhookDelivery]:
    """The newest delivery of each endpoint, by the endpoint's key; by index, however many there are."""
    own = WebhookDelivery.objects.visible_to(actor)
    newest = own.filter(endpoint=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    ids = WebhookEndpoint.objects.filter(pk__in=[endpoint.pk for endpoint in endpoints]).values_list(Subquery(newest))
    return {delivery.endpoint_id: delivery for delivery in own.filter(pk__in=[pk for (pk,) in ids if pk])}


def switched_off_by_the_hub(actor: Actor) -> list[WebhookEndpoint]:
    """The notice to the organisation: what was switched off without its asking, for who may switch it on."""
    own = WebhookEndpoint.objects.visible_to(actor).filter(state=WebhookEndpoint.State.DISABLED)
    return list(own.exclude(cause=WebhookEndpoint.Cause.MEMBER).order_by("-disabled_at"))


def _with_secrets(endpoints: EndpointQuerySet) -> EndpointQuerySet:
    """`live_secrets` holds when each began and ends, never what it is."""
    secrets = WebhookSecret.objects.filter(live()).defer("encrypted").order_by("-pk")
    return endpoints.prefetch_related(Prefetch("secrets", secrets, to_attr="live_secrets"))
