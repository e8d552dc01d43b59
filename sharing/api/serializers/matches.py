"""Matches in and out (floor 7)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from sharing.api.paging import PageQuery
from sharing.api.serializers.signals import SignalOut
from sharing.api.serializers.strict import Choice, StrictSerializer, Text
from sharing.matching.models import Match, Rematch
from sharing.matching.selectors import MatchFilters
from sharing.signals.models import Signal
from sharing.visibility.models import Harm


class EvidenceOut(serializers.Serializer[Any]):
    type = serializers.CharField()
    indicator = serializers.CharField(help_text="The signal's hash or token.")
    related_indicator = serializers.CharField(help_text="The related signal's hash or token.")
    distance = serializers.IntegerField(help_text="Bits that differ; 0 is identity.")
    threshold = serializers.IntegerField(help_text="Bits that may differ for this type.")


class RelatedOut(serializers.Serializer[Any]):
    signal = SignalOut()
    evidence = EvidenceOut(many=True)


class RematchOut(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid", help_text="Narrows the list of matches to what it found: `rematch`.")
    cause = serializers.ChoiceField(choices=Rematch.Cause.choices)


class MatchOut(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="match.uuid")
    signal = SignalOut(source="match.signal")
    related = RelatedOut(many=True, help_text="The closest ones that you can see, closest first.")
    strength = serializers.FloatField(source="match.strength", help_text="0 to 1. A clue, not proof.")
    related_count = serializers.SerializerMethodField(help_text="How many of the related signals are shown here.")
    verdict = serializers.ChoiceField(source="match.verdict", choices=Match.Verdict.choices)
    note = serializers.CharField(source="match.note")
    reviewed_at = serializers.DateTimeField(source="match.reviewed_at", allow_null=True)
    created_at = serializers.DateTimeField(source="match.created_at")
    rematch = RematchOut(
        source="match.rematch",
        allow_null=True,
        help_text="Set when stored signals were matched again, for example when you joined a group; null when a "
        "signal was submitted or changed.",
    )

    def get_related_count(self, view: Any) -> int:
        return len(view.related)


class VerdictIn(StrictSerializer):
    verdict = Choice(choices=Match.Verdict.choices, help_text="`unreviewed` takes a verdict back.")
    note = Text(max_length=1_000, required=False, allow_blank=True, default="")


class MatchQuery(PageQuery):
    verdict = Choice(choices=Match.Verdict.choices, required=False)
    harm = Choice(choices=Harm.choices, required=False)
    severity = Choice(choices=Signal.Severity.choices, required=False)
    found = Choice(
        choices=["submission", "rematch"],
        required=False,
        help_text="Found when a signal was submitted or changed, or when stored signals were matched again.",
    )
    rematch = serializers.UUIDField(
        required=False,
        help_text="What one re-matching found.",
        error_messages={"invalid": "This is not an id.\nUse the `id` of a match's `rematch`."},
    )

    def filters(self) -> MatchFilters:
        data = {key: value for key, value in self.validated_data.items() if key not in ("limit", "cursor")}
        return MatchFilters(**data)
