"""Bulk uploads in and out (floor 7)."""

from __future__ import annotations

from typing import Any, Final

from django.core.validators import RegexValidator
from rest_framework import serializers

from sharing.api.serializers.signals import ProblemOut
from sharing.api.serializers.strict import Choice, StrictSerializer
from sharing.signals.bulk.models import BulkUpload
from sharing.signals.bulk.services import MAX_LINES

STATUSES: Final = [("created", "created"), ("updated", "updated"), ("refused", "refused")]
MOST_RESULTS: Final = 5_000
LONGEST_KEY: Final = 200
KEY_PATTERN: Final = f"^[!-~]{{1,{LONGEST_KEY}}}$"
is_key = RegexValidator(KEY_PATTERN)


class BulkOut(serializers.Serializer[BulkUpload]):
    id = serializers.UUIDField(source="uuid", help_text="Ask for the upload and its results by it.")
    state = serializers.ChoiceField(
        choices=[("open", "open"), ("complete", "complete")],
        help_text="open: its end was not seen yet. Send the same body again with the same Idempotency-Key.",
    )
    lines = serializers.IntegerField(help_text="Lines that were dealt with; a later request does not store them again.")
    stored = serializers.IntegerField(help_text="Created and updated together.")
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    refused = serializers.IntegerField(help_text="Each has its errors in the results.")
    created_at = serializers.DateTimeField(help_text="When the first request with this key came.")
    finished_at = serializers.DateTimeField(allow_null=True)


class BulkResultOut(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="Number of the line, from 1.")
    status = serializers.ChoiceField(choices=STATUSES)
    id = serializers.UUIDField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)
    errors = ProblemOut(many=True)  # type: ignore[assignment]


class BulkResultsOut(serializers.Serializer[Any]):
    results = BulkResultOut(many=True)
    next = serializers.URLField(allow_null=True, help_text="The next results; null when there are none yet.")


class BulkResultsQuery(StrictSerializer):
    after = serializers.IntegerField(
        min_value=0, max_value=MAX_LINES, required=False, default=0, help_text="Results of the lines behind this one."
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=MOST_RESULTS, required=False, default=1_000, help_text="Results in an answer."
    )
    status = Choice(choices=STATUSES, required=False, help_text="Only these.")
