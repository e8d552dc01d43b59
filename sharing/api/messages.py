"""What webhooks are sent, as the OpenAPI document tells it (floor 7). sharing/notifications/contents.py makes it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, OpenApiWebhook, extend_schema
from rest_framework import serializers

from sharing.matching.models import Rematch
from sharing.notifications.models import EventType
from sharing.signals.models import Signal


class MatchData(serializers.Serializer[Any]):
    match = serializers.UUIDField(help_text="GET /matches/{match}")
    signal = serializers.UUIDField(help_text="The signal under which it is filed.")
    kind = serializers.ChoiceField(choices=Signal.Kind.choices)


class RematchData(serializers.Serializer[Any]):
    rematch = serializers.UUIDField(help_text="GET /matches?rematch={rematch}")
    cause = serializers.ChoiceField(choices=Rematch.Cause.choices)


class SignalData(serializers.Serializer[Any]):
    signal = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Signal.Kind.choices)


def _webhook(event: EventType, data: serializers.Field[Any, Any, Any, Any]) -> OpenApiWebhook:
    fields = {
        "type": serializers.CharField(help_text=f"`{event.value}`"),
        "timestamp": serializers.DateTimeField(help_text="When it happened; the same in every attempt."),
        "data": data,
    }
    name = "".join(part.title() for part in event.value.split("."))
    return OpenApiWebhook(
        name=event.value,
        decorator=extend_schema(
            summary=str(event.label),
            description="Signed as Standard Webhooks has it: webhook-id, webhook-timestamp, webhook-signature.",
            request={"application/json": type(f"{name}Message", (serializers.Serializer,), fields)},
            responses={"2XX": OpenApiResponse(description="Taken. Anything else is tried again, but 410.")},
            tags=["webhooks"],
        ),
    )


MATCH_FOUND = _webhook(EventType.MATCH_FOUND, MatchData())
MATCH_UPDATED = _webhook(EventType.MATCH_UPDATED, MatchData())
MATCH_REVIEWED = _webhook(EventType.MATCH_REVIEWED, MatchData())
REMATCH_FOUND = _webhook(EventType.REMATCH_FOUND, RematchData())
SIGNAL_RETRACTED = _webhook(EventType.SIGNAL_RETRACTED, SignalData())
TEST = _webhook(EventType.TEST, serializers.DictField(help_text="Empty."))
