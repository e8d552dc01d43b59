"""Flood notices out (floor 7)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class FloodOut(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="notice.uuid")
    type = serializers.CharField(help_text="Signal type of what the signals share.")
    indicator = serializers.CharField(
        source="value", help_text="Hash or token by which the newest was reached; empty when no signal below holds it."
    )
    signals = serializers.IntegerField(
        source="notice.told", help_text="Signals that were summarised here and that you could see at that time."
    )
    newest = serializers.SerializerMethodField(help_text="Ids of those that you can see, newest first, at most 20.")
    created_at = serializers.DateTimeField(source="notice.created_at")
    updated_at = serializers.DateTimeField(source="notice.updated_at")

    def get_newest(self, view: Any) -> list[str]:
        return [str(signal.uuid) for signal in view.signals]
