"""Blinded identifiers in, evaluated ones out, and the keys that are published (floor 7)."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sharing.api.serializers.strict import MOST_NAMED, BoundedList, StrictSerializer, Text, mendable, unlooked_at
from sharing.signals.evaluation import MOST_ELEMENTS, Evaluated, PublishedKey

_ELEMENT: Final = {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"}


@extend_schema_field({"type": "array", "minItems": 1, "maxItems": MOST_ELEMENTS, "items": _ELEMENT})
class Elements(BoundedList):
    """Texts; whether each is an element is judged by the service. Read in one go: there are thousands a second."""

    def run_child_validation(self, data: Any) -> list[Any]:
        wrong = [position for position, entry in enumerate(data) if not isinstance(entry, str)]
        if wrong:
            errors: dict[Any, Any] = {
                position: mendable("This is not a text.", "not_text", "Put it in quotes.").detail
                for position in wrong[:MOST_NAMED]
            }
            if len(wrong) > MOST_NAMED:
                errors["non_field_errors"] = unlooked_at(len(wrong) - MOST_NAMED, "entries of this list").detail
            raise serializers.ValidationError(errors)
        return list(data)


class EvaluateIn(StrictSerializer):
    elements = Elements(min_length=1, max_length=MOST_ELEMENTS, help_text="Blinded elements, each of them once.")
    key_id = Text(
        max_length=16, required=False, default="", help_text="Left out: the active key. Or another one that is live."
    )


class EvaluatedOut(serializers.Serializer[Any]):
    key_id = serializers.CharField(help_text="Send it beside each token.")
    elements = serializers.ListField(
        child=serializers.CharField(), help_text="The evaluated elements, in the order of yours, 64 hexadecimal digits."
    )
    proof = serializers.CharField(
        help_text="One proof for all, 128 hexadecimal digits: check it with the public key that you know already."
    )


def evaluated_out(evaluated: Evaluated) -> dict[str, Any]:
    return {
        "key_id": evaluated.key_id,
        "elements": [element.hex() for element in evaluated.elements],
        "proof": evaluated.proof.hex(),
    }


class PublishedKeyOut(serializers.Serializer[PublishedKey]):
    key_id = serializers.CharField()
    public_key = serializers.SerializerMethodField(help_text="64 hexadecimal digits.")
    active = serializers.BooleanField(source="is_active", help_text="Make new tokens under this one.")
    live = serializers.BooleanField(source="is_live", help_text="Tokens of this key are taken now.")
    not_before = serializers.DateTimeField(allow_null=True)
    not_after = serializers.DateTimeField(allow_null=True, help_text="From then on its tokens match nothing.")

    def get_public_key(self, key: PublishedKey) -> str:
        return key.public_key.hex()


class PublishedKeysOut(serializers.Serializer[Any]):
    suite = serializers.CharField(help_text="Ciphersuite of RFC 9497.")
    mode = serializers.CharField(help_text="The one mode in which tokens are made: it changes the outcome.")
    keys = PublishedKeyOut(many=True, help_text="At most two, the active one first.")
