"""Webhooks and their deliveries, in and out (floor 7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rest_framework import serializers

from sharing.api.paging import PageQuery
from sharing.api.serializers.strict import BoundedList, Choice, StrictSerializer, Text
from sharing.notifications.addresses import MAX_URL
from sharing.notifications.keeping import MOST_OVERLAP
from sharing.notifications.models import CHOSEN, EventType, WebhookDelivery, WebhookEndpoint

_HOURS = int(MOST_OVERLAP / timedelta(hours=1))
_USUAL_HOURS = 24


class WebhookIn(StrictSerializer):
    url = Text(
        max_length=MAX_URL,
        help_text="https, on port 443 or 8443, with a host name that leads to public addresses only. No name or "
        "password in it. Redirects are not followed.",
    )
    events = BoundedList(
        child=Choice(choices=CHOSEN),
        min_length=1,
        max_length=len(CHOSEN),
        help_text="What to be told of. Events of matches need the scope matches:read too, signal.retracted needs "
        "signals:read.",
    )
    description = Text(max_length=200, required=False, allow_blank=True, default="", help_text="For yourself.")


class WebhookPatch(WebhookIn):
    """Any part of a webhook; what is left out stays."""

    enabled = serializers.BooleanField(
        required=False,
        help_text="false: nothing is sent, and what waits ends as failed. true: it begins afresh.",
    )


class RotateIn(StrictSerializer):
    overlap_hours = serializers.IntegerField(
        min_value=0,
        max_value=_HOURS,
        default=_USUAL_HOURS,
        help_text="So long the secret before signs too, so that you can change over. 0: it ends at once.",
    )


class ReplayIn(StrictSerializer):
    since = serializers.DateTimeField(help_text="Of events from this moment on, what failed is sent again.")


class DeliveryQuery(PageQuery):
    state = Choice(choices=WebhookDelivery.State.choices, required=False)


class WebhookSecretOut(serializers.Serializer[Any]):
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True, help_text="null: the newest one, which stays.")


class WebhookOut(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(choices=CHOSEN))
    description = serializers.CharField()
    state = serializers.ChoiceField(choices=WebhookEndpoint.State.choices)
    disabled_because = serializers.SerializerMethodField(
        help_text="null while enabled; else `member`, `operator` (ask the hub), `failing` (nothing was accepted for "
        "three days) or `gone` (it answered 410)."
    )
    disabled_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True, help_text="null: the last attempt was accepted.")
    secrets = WebhookSecretOut(source="live_secrets", many=True, help_text="Those that sign; never the secrets.")
    created_at = serializers.DateTimeField()

    def get_disabled_because(self, endpoint: WebhookEndpoint) -> str | None:
        return endpoint.cause or None


class NewSecretOut(WebhookOut):
    secret = serializers.CharField(
        help_text="`whsec_` and base64. Shown this once: keep it where your receiver can read it."
    )


class DeliveryOut(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid")
    message_id = serializers.CharField(help_text="The header webhook-id, the same in every attempt.")
    event = serializers.ChoiceField(choices=EventType.choices)
    event_at = serializers.DateTimeField(source="created_at")
    state = serializers.ChoiceField(
        choices=WebhookDelivery.State.choices,
        help_text="`dropped`: when it was to be sent you could not see any more what it speaks of.",
    )
    attempts = serializers.IntegerField()
    last_attempt_at = serializers.DateTimeField(source="attempted_at", allow_null=True)
    last_status = serializers.IntegerField(allow_null=True, help_text="HTTP status of the last answer.")
    last_error = serializers.SerializerMethodField(
        help_text="Why the last attempt failed; null where none did. One of: "
        + ", ".join(f"`{value}`" for value in WebhookDelivery.Error.values if value)
        + "."
    )
    next_attempt_at = serializers.SerializerMethodField(help_text="null when it has ended.")
    ended_at = serializers.DateTimeField(source="finished_at", allow_null=True)

    def get_last_error(self, delivery: WebhookDelivery) -> str | None:
        return delivery.last_error or None

    def get_next_attempt_at(self, delivery: WebhookDelivery) -> str | None:
        waits = delivery.state == WebhookDelivery.State.WAITING
        return serializers.DateTimeField().to_representation(delivery.due_at) if waits else None


class ReplayedOut(serializers.Serializer[Any]):
    replayed = serializers.IntegerField(
        help_text="Deliveries that are sent again. 10,000: there may be more, ask once more."
    )
