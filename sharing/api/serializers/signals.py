"""Signals in and out (floor 7)."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty

from sharing import signal_types
from sharing.api.paging import PageQuery
from sharing.api.parsing import Repeating
from sharing.api.serializers.strict import (
    MOST_NAMED,
    REPEATED,
    BoundedList,
    Choice,
    ShortName,
    StrictSerializer,
    Text,
    Unread,
    mendable,
)
from sharing.signal_types.video import LONGEST_VIDEO, MAX_FRAMES
from sharing.signals.inputs import AccountInput, IndicatorInput, SignalInput
from sharing.signals.models import AccountDetail, Signal
from sharing.signals.preparation import MAX_INDICATORS
from sharing.signals.selectors import SignalFilters
from sharing.visibility.models import Harm
from sharing.visibility.tlp import TLP

# Each type has its own limit; a video's is the widest.
MAX_VALUE = LONGEST_VIDEO
MAX_AUDIENCE = 100
MAX_REFERENCE = 200
_NO_VALUE = ErrorDetail("There is no value.\nAdd value, or token and key_id for an identifier.", "required")
_PLATFORM = "Short name of the platform, for example exampletube."


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "maxLength": MAX_VALUE},
            {
                "type": "array",
                "maxItems": MAX_FRAMES,
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["hash", "quality", "timestamp"],
                    "additionalProperties": False,
                    "properties": {
                        "hash": {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$", "description": "PDQ of the frame."},
                        "quality": {"type": "integer", "minimum": 0, "maximum": 100},
                        "timestamp": {"type": "number", "minimum": 0, "description": "Seconds from the start."},
                    },
                },
            },
        ],
    }
)
class Value(Text):
    """A text, or the frames of a video as a list. Which of the two a type takes is judged with the value itself."""

    def run_validation(self, data: Any = empty) -> Any:
        if not isinstance(data, list):
            return super().run_validation(data)
        if repeating := [str(place) for place, frame in enumerate(data) if isinstance(frame, Repeating)]:
            raise serializers.ValidationError(dict.fromkeys(repeating[:MOST_NAMED], REPEATED.detail))
        return data


class IndicatorIn(StrictSerializer):
    # Not trimmed: what is written here decides what a look-up weighs, before it is read.
    type = Text(max_length=20, trim_whitespace=False, help_text=f"One of: {', '.join(signal_types.NAMES)}.")
    value = Value(
        max_length=MAX_VALUE,
        trim_whitespace=False,
        required=False,
        help_text="A hash as hexadecimal digits; a URL or a text as it is; a video (`vpdq`) as the list of its frames. "
        "An identifier in plain only where your organisation may send it so; it becomes a token at once and is never "
        "stored.",
    )
    token = Text(
        max_length=64, required=False,
        help_text="An identifier as the token that you made of it, 64 hexadecimal digits. It takes the place of value.",
    )  # fmt: skip
    key_id = Text(max_length=16, required=False, help_text="The key of the token, as the evaluation named it.")
    platform = ShortName(
        max_length=60, required=False, default="", allow_blank=True, help_text=f"Needed for usernames. {_PLATFORM}"
    )
    quality = serializers.IntegerField(
        min_value=0, max_value=100, required=False, allow_null=True, default=None,
        help_text="PDQ quality. Below 50 the hash matches by identity only. Frames of a video have their own.",
    )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "value" not in attrs and "token" not in attrs:
            raise serializers.ValidationError({"value": [_NO_VALUE]})
        return attrs


class AccountIn(StrictSerializer):
    platform = ShortName(max_length=60, help_text=_PLATFORM)
    behaviours = BoundedList(child=Text(max_length=60), max_length=30, required=False, default=list)
    enforcement = Choice(choices=AccountDetail.Enforcement.choices, required=False, default="none")
    enforced_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    @staticmethod
    def to_input(data: dict[str, Any]) -> AccountInput:
        return AccountInput(**{**data, "behaviours": tuple(data["behaviours"])})


class SignalIn(StrictSerializer):
    external_id = Text(
        max_length=MAX_REFERENCE, required=False, allow_null=True, default=None,
        help_text="Your own id for this. Submitting it again updates the signal. Other members don't see it.",
    )  # fmt: skip
    kind = Choice(choices=Signal.Kind.choices)
    harm = Choice(choices=Harm.choices)
    severity = Choice(choices=Signal.Severity.choices)
    confidence = serializers.IntegerField(min_value=0, max_value=100, required=False, default=50)
    tlp = Choice(choices=TLP.choices, required=False, default=TLP.AMBER)
    subject_role = Choice(choices=Signal.SubjectRole.choices, required=False, default="unknown")
    summary = Text(max_length=4_000, required=False, allow_blank=True, default="")
    lawful_basis = Text(max_length=200, required=False, allow_blank=True, default="")
    observed_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Left out: the retention of the sharing group."
    )
    sharing_groups = BoundedList(
        child=Text(max_length=60), max_length=MAX_AUDIENCE, required=False, default=list,
        help_text="Short names of the groups that will see this.",
    )  # fmt: skip
    named_organisations = BoundedList(
        child=Text(max_length=60), max_length=MAX_AUDIENCE, required=False, default=list,
        help_text="Short names of organisations that will see this one signal; the only way for TLP:RED.",
    )  # fmt: skip
    indicators = BoundedList(child=IndicatorIn(), max_length=MAX_INDICATORS)
    account = AccountIn(required=False, allow_null=True, default=None)

    def changes(self) -> dict[str, Any]:
        """The validated fields in the types of SignalInput; with `partial` only those that were sent."""
        return self._in_types_of_input(self.validated_data)

    def to_input(self) -> SignalInput:
        return SignalInput(**self.changes())

    def read(self, row: Any) -> SignalInput:
        """One row of a batch; ValidationError when it is not in order. One serializer reads them all: to build one
        takes longer than to read a row."""
        return SignalInput(**self._in_types_of_input(self.run_validation(row)))

    @staticmethod
    def _in_types_of_input(validated: dict[str, Any]) -> dict[str, Any]:
        data = dict(validated)
        for name in ("sharing_groups", "named_organisations"):
            if name in data:
                data[name] = tuple(data[name])
        if "indicators" in data:
            data["indicators"] = tuple(IndicatorInput(**item) for item in data["indicators"])
        if data.get("account") is not None:
            data["account"] = AccountIn.to_input(data["account"])
        return data


_STAYING: Final = ("external_id", "kind")


class SignalPatch(SignalIn):
    """Any part of a signal. Its own reference and kind stay as they were submitted."""

    external_id = None  # type: ignore[assignment]
    kind = None  # type: ignore[assignment]

    def unknown_names(self, keys: list[str]) -> dict[str, Any]:
        message, mend = "This stays as it was submitted.", "Leave it out, or submit another signal."
        others = [key for key in keys if key not in _STAYING]
        found = super().unknown_names(others) if others else {}
        return found | {name: mendable(message, f"{name}_stays", mend).detail for name in _STAYING if name in keys}


class BatchIn(StrictSerializer):
    atomic = serializers.BooleanField(
        required=False, default=False, help_text="true: store all of them, or none when one has a problem."
    )
    signals = BoundedList(child=Unread(), min_length=1, max_length=settings.API_BATCH_MAX)


class BatchSchema(serializers.Serializer[Any]):
    """How the batch is documented; BatchIn takes rows unread, so that one bad row does not refuse the rest."""

    atomic = BatchIn().fields["atomic"]
    signals = BoundedList(child=SignalIn(), min_length=1, max_length=settings.API_BATCH_MAX)


class RetractIn(StrictSerializer):
    reason = Text(max_length=500, help_text="Why it is taken back. Kept in the audit.")


class IndicatorOut(serializers.Serializer[Any]):
    type = serializers.CharField(source="indicator.signal_type")
    value = serializers.CharField(
        source="indicator.text",
        help_text="Hexadecimal digits; of an identifier, its token; of a video, a digest of its usable frames.",
    )
    key_id = serializers.CharField(source="indicator.key_id", help_text="Key of the token; empty for hashes.")
    quality = serializers.IntegerField(allow_null=True)


class AccountOut(serializers.Serializer[Any]):
    platform = serializers.CharField()
    behaviours = serializers.ListField(child=serializers.CharField())
    enforcement = serializers.ChoiceField(choices=AccountDetail.Enforcement.choices)
    enforced_at = serializers.DateTimeField(allow_null=True)


class SignalOut(serializers.Serializer[Any]):
    """A signal as you may see it."""

    # Needs `actor` in the context, and selectors.with_details on the row.

    id = serializers.UUIDField(source="uuid")
    organisation = serializers.CharField(source="organisation.slug")
    external_id = serializers.SerializerMethodField(help_text="Only on your own signals.")
    kind = serializers.ChoiceField(choices=Signal.Kind.choices)
    harm = serializers.ChoiceField(choices=Harm.choices)
    severity = serializers.ChoiceField(choices=Signal.Severity.choices)
    confidence = serializers.IntegerField()
    tlp = serializers.ChoiceField(choices=TLP.choices)
    subject_role = serializers.ChoiceField(choices=Signal.SubjectRole.choices)
    summary = serializers.CharField()
    lawful_basis = serializers.CharField()
    state = serializers.ChoiceField(choices=["active", "expired", "retracted"])
    observed_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    sharing_groups = serializers.SerializerMethodField(help_text="Those that you can see.")
    indicators = IndicatorOut(source="indicator_links", many=True)
    account = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_external_id(self, signal: Signal) -> str | None:
        own = signal.organisation_id == self.context["actor"].organisation_id
        return signal.external_id if own else None

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_sharing_groups(self, signal: Any) -> list[str]:
        return [share.sharing_group.slug for share in signal.visible_shares]

    @extend_schema_field(AccountOut(allow_null=True))
    def get_account(self, signal: Signal) -> Any:
        account = getattr(signal, "account", None)
        return None if account is None else AccountOut(account).data


class ProblemOut(serializers.Serializer[Any]):
    path = serializers.CharField(help_text="JSON pointer to what is wrong.")
    code = serializers.CharField()
    message = serializers.CharField()
    mend = serializers.CharField(help_text="What to do about it.")


class BatchRowOut(serializers.Serializer[Any]):
    row = serializers.IntegerField(help_text="Position in `signals`, from 0.")
    status = serializers.ChoiceField(choices=["created", "updated", "refused"])
    id = serializers.UUIDField(allow_null=True)
    external_id = serializers.CharField(allow_null=True)
    errors = ProblemOut(many=True)  # type: ignore[assignment]


class BatchOut(serializers.Serializer[Any]):
    stored = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = BatchRowOut(many=True)


class SignalQuery(PageQuery):
    kind = Choice(choices=Signal.Kind.choices, required=False)
    harm = Choice(choices=Harm.choices, required=False)
    severity = Choice(choices=Signal.Severity.choices, required=False)
    type = Choice(choices=[(name, name) for name in signal_types.NAMES], required=False, help_text="Holds one of it.")
    group = serializers.CharField(max_length=60, required=False, help_text="Short name of a sharing group.")
    organisation = serializers.CharField(max_length=60, required=False, help_text="Short name of the submitter.")
    since = serializers.DateTimeField(required=False, help_text="Submitted at this moment or later.")
    text = serializers.CharField(
        max_length=200, required=False, help_text="Words of the summary, or a whole hash in hexadecimal digits."
    )

    def filters(self) -> SignalFilters:
        data = {key: value for key, value in self.validated_data.items() if key not in ("limit", "cursor")}
        return SignalFilters(**data)
