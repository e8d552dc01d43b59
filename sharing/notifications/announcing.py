"""From an event to a row for each endpoint that is to be told of it (floor 5). The rows are sent by sending.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.db import transaction

from accounts.models import Organisation
from hub.outbox.models import OutboxEvent
from hub.outbox.services import emit
from sharing.matching.models import Match
from sharing.matching.rematches import ENDED
from sharing.matching.services import REVIEWED, TOLD
from sharing.notifications.models import EventType, WebhookDelivery, WebhookEndpoint
from sharing.signals.selectors import audience_ids
from sharing.signals.services import RETRACTED

# {}: rows may be due. A nudge, like every message; the sweep finds them without it.
DUE: Final = "webhooks.due"
BATCH: Final = 1_000

# (organisation, event, object)
News = tuple[int, str, int]


def announce(events: list[OutboxEvent]) -> None:
    """Write the deliveries that these pieces of work lead to. Repeating it writes nothing twice."""
    news = {event.pk: list(_NEWS[event.topic](event.payload)) for event in events}
    endpoints = _endpoints({organisation for items in news.values() for organisation, _event, _object in items})
    rows = [
        WebhookDelivery(
            endpoint=endpoint, event=name, object_id=object_id, source_id=event.pk, created_at=event.created_at
        )
        for event in events
        for organisation, name, object_id in news[event.pk]
        for endpoint in endpoints[organisation]
        if name in endpoint.events
    ]
    if rows:
        with transaction.atomic():
            WebhookDelivery.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
            emit(DUE, {})


def _endpoints(organisations: set[int]) -> dict[int, list[WebhookEndpoint]]:
    """What is switched off is told nothing, also not later: members who switch it on read what they missed."""
    found: dict[int, list[WebhookEndpoint]] = defaultdict(list)
    enabled = WebhookEndpoint.objects.filter(organisation__in=organisations, state=WebhookEndpoint.State.ENABLED)
    for endpoint in enabled.filter(organisation__status=Organisation.Status.ACTIVE) if organisations else ():
        found[endpoint.organisation_id].append(endpoint)
    return found


def _of_matches(payload: dict[str, Any]) -> Iterator[News]:
    for name, ids in ((EventType.MATCH_FOUND, payload["found"]), (EventType.MATCH_UPDATED, payload["updated"])):
        for pk, recipient in Match.objects.filter(pk__in=ids).order_by("pk").values_list("pk", "recipient"):
            yield recipient, name, pk


def _of_a_verdict(payload: dict[str, Any]) -> Iterator[News]:
    for pk, recipient in Match.objects.filter(pk=payload["match"]).values_list("pk", "recipient"):
        yield recipient, EventType.MATCH_REVIEWED, pk


def _of_a_rematch(payload: dict[str, Any]) -> Iterator[News]:
    found = Match.objects.filter(rematch=payload["rematch"]).order_by("recipient")
    for recipient in found.values_list("recipient", flat=True).distinct():
        yield recipient, EventType.REMATCH_FOUND, payload["rematch"]


def _of_a_retraction(payload: dict[str, Any]) -> Iterator[News]:
    for pk, organisations in audience_ids([payload["signal"]], retracted=True).items():
        for organisation in sorted(organisations):
            yield organisation, EventType.SIGNAL_RETRACTED, pk


_NEWS: Final[dict[str, Callable[[dict[str, Any]], Iterator[News]]]] = {
    TOLD: _of_matches,
    REVIEWED: _of_a_verdict,
    ENDED: _of_a_rematch,
    RETRACTED: _of_a_retraction,
}
