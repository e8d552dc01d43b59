"""A serializer that does not overlook what it does not know (floor 7)."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.settings import api_settings

MAX_KEY = 30


def quoted(text: str, longest: int) -> str:
    """The beginning of a sent text for an answer; half a surrogate pair, which no answer can carry, becomes "?"."""
    return text[:longest].encode(errors="replace").decode()


def mendable(message: str, code: str, mend: str) -> ValidationError:
    """An error that also says how to mend. DRF keeps only text and code; problems.flattened parts the two lines."""
    return ValidationError(f"{message}\n{mend}", code)


class StrictSerializer(serializers.Serializer[Any]):
    # Refuses unknown fields: a misspelt `expires_at` must not become a signal that expires at another time.
    # No docstring, because the published schema would show it as every input's description.

    def to_internal_value(self, data: Any) -> Any:
        if self.parent is not None and self.root.partial:
            # A change may leave fields out, but what it puts in a field is whole: half an indicator is none.
            return type(self)().run_validation(data)
        if isinstance(data, Mapping):
            unknown = [str(key) for key in data if key not in self.fields]
            if unknown:
                mend = f"Known fields: {', '.join(self.fields)}."
                error = mendable("There is no field of this name.", "unknown_field", mend)
                raise ValidationError({self._nameable(key): error.detail for key in unknown})
        return super().to_internal_value(data)

    def _nameable(self, key: str) -> str:
        """A misspelt field is named. Anything else may be an identifier in the wrong place, and is not repeated."""
        is_typo = len(key) <= MAX_KEY and bool(get_close_matches(key, self.fields, n=1))
        return key if is_typo else api_settings.NON_FIELD_ERRORS_KEY


class Choice(serializers.ChoiceField):
    """A choice whose error names the choices, and not what was sent."""

    def fail(self, key: str, **kwargs: Any) -> Any:
        if key == "invalid_choice":
            mend = f"Use one of: {', '.join(str(choice) for choice in self.choices)}."
            raise mendable("This is not one of the allowed values.", key, mend)
        super().fail(key, **kwargs)


class Text(serializers.CharField):
    """A text that was sent as one: 447911123456 without quotes is a mistake to name, not a phone number."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise mendable("This is not a text.", "not_text", "Put it in quotes.")
        return super().to_internal_value(data)
