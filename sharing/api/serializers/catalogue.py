"""What a caller can use: itself, its groups, the signal types (floor 7)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import Organisation, Scope
from sharing.visibility.models import Harm
from sharing.visibility.tlp import TLP


class OrganisationOut(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Organisation.Kind.choices)


class WhoAmI(serializers.Serializer[Any]):
    organisation = OrganisationOut()
    client = serializers.CharField(help_text="Name of the API client.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))


class SharingGroupOut(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    purpose = serializers.CharField()
    harms = serializers.ListField(child=serializers.ChoiceField(choices=Harm.choices), help_text="Empty: all of them.")
    max_tlp = serializers.ChoiceField(choices=TLP.choices)
    retention_days = serializers.IntegerField()
    video_query_share = serializers.IntegerField(
        help_text="Percent of a new video's frames that must have a near frame in one of this group's videos."
    )
    video_stored_share = serializers.IntegerField(
        help_text="Percent of that video's frames that must have a near frame in the new one."
    )
    may_contribute = serializers.BooleanField()


class SignalTypeOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    example = serializers.CharField()
    keyed = serializers.BooleanField(help_text="An identifier: sent as a token, in plain only where allowed.")
    needs_platform = serializers.BooleanField()
    bits = serializers.IntegerField(
        allow_null=True, help_text="Length of a hash, or of a video's frame, that has near matches."
    )
    threshold = serializers.IntegerField(
        help_text="Bits that may differ in a match, as the hub's administrators have set it; 0 is identity. Of a "
        "video: in each frame."
    )
