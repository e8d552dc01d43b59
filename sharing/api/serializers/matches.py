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


class VideoEvidenceOut(serializers.Serializer[Any]):
    """Two videos, frame by frame. Frames that were left out at submission are not counted."""

    frames = serializers.IntegerField(help_text="Frames of the signal's video that were compared.")
    matched = serializers.IntegerField(help_text="How many of them have a near frame in the related video.")
    share = serializers.IntegerField(source="percent", help_text="The same in percent, rounded down.")
    enough = serializers.IntegerField(help_text="From how many percent on it counts, in a group where you see it.")
    related_frames = serializers.IntegerField(help_text="Frames of the related video that were compared.")
    related_matched = serializers.IntegerField(help_text="How many of them have a near frame in the signal's video.")
    related_share = serializers.IntegerField(source="related_percent", help_text="The same in percent, rounded down.")
    related_enough = serializers.IntegerField(help_text="From how many percent on it counts.")


class EvidenceOut(serializers.Serializer[Any]):
    type = serializers.CharField()
    indicator = serializers.CharField(help_text="The signal's hash or token.")
    related_indicator = serializers.CharField(help_text="The related signal's hash or token.")
    distance = serializers.IntegerField(
        help_text="Bits that differ; 0 is identity. Of videos: percent of frames without a near frame, of the video "
        "with more of them."
    )
    threshold = serializers.IntegerField(
        help_text="Bits that may differ for this type. Of videos the end of the scale: see `enough` in `video`."
    )
    video = VideoEvidenceOut(allow_null=True, help_text="Only of videos.")
    closeness = serializers.FloatField(
        source="term.closeness", help_text="1 for identity, falling towards 0.5 at the threshold."
    )
    weight = serializers.FloatField(
        source="term.weight", help_text="What a value of this type says. 1 between two content signals."
    )
    holders = serializers.IntegerField(
        allow_null=True,
        help_text="Signals that hold this value and that you can see, now; null between two content signals.",
    )
    rarity = serializers.FloatField(source="term.rarity", help_text="1 for two holders, falling slowly with more.")
    strength = serializers.FloatField(source="term.value", help_text="weight x closeness x rarity.")
    counts = serializers.BooleanField(
        help_text="Whether it adds to the strength of the relation. false: a stronger one of the same family does."
    )


class RelatedOut(serializers.Serializer[Any]):
    signal = SignalOut()
    strength = serializers.FloatField(help_text="0 to 1, of the evidence that counts: 1 - (1 - a) x (1 - b) x ...")
    evidence = EvidenceOut(many=True, help_text="Strongest first.")


class RematchOut(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="uuid", help_text="Narrows the list of matches to what it found: `rematch`.")
    cause = serializers.ChoiceField(choices=Rematch.Cause.choices)


class MatchOut(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="match.uuid")
    signal = SignalOut(source="match.signal")
    related = RelatedOut(many=True, help_text="The strongest ones that you can see, strongest first.")
    strength = serializers.FloatField(
        source="match.strength", help_text="0 to 1, of the strongest relation shown. A clue, not proof."
    )
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
