"""A serializer that does not overlook what it does not know (floor 7)."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.settings import api_settings

from hub.words import problem_in_name
from sharing.api.parsing import Repeating

MAX_KEY = 30
# Bad entries of a list, and unknown fields, that are named. A body of 100 KB may hold 30,000 of them.
MOST_NAMED = 20


def quoted(text: str, longest: int) -> str:
    """The beginning of a sent text for an answer; half a surrogate pair, which no answer can carry, becomes "?"."""
    return text[:longest].encode(errors="replace").decode()


def mendable(message: str, code: str, mend: str) -> ValidationError:
    """An error that also says how to mend. DRF keeps only text and code; problems.flattened parts the two lines."""
    return ValidationError(f"{message}\n{mend}", code)


REPEATED: Final = mendable("This name is in the object more than once.", "repeated_name", "Send it once.")


class StrictSerializer(serializers.Serializer[Any]):
    # Refuses unknown fields: a misspelt `expires_at` must not become a signal that expires at another time.
    # No docstring, because the published schema would show it as every input's description.

    def to_internal_value(self, data: Any) -> Any:
        if self.parent is not None and self.root.partial:
            # A change may leave fields out, but what it puts in a field is whole: half an indicator is none.
            return type(self)().run_validation(data)
        refused = self._refused_names(data) if isinstance(data, Mapping) else {}
        try:
            read = super().to_internal_value(data)
        except ValidationError as error:
            if not refused:
                raise
            raise ValidationError({**error.detail, **refused}) from None  # type: ignore[dict-item]
        if refused:
            raise ValidationError(refused)
        return read

    def _refused_names(self, data: Mapping[Any, Any]) -> dict[str, Any]:
        unknown = [str(key) for key in data if key not in self.fields]
        found = self.unknown_names(unknown) if unknown else {}
        if isinstance(data, Repeating):
            found |= {name: REPEATED.detail for name in data.repeated if name in self.fields}
        return found

    def unknown_names(self, keys: list[str]) -> dict[str, Any]:
        """What is wrong with these names of no field, by name."""
        mend = f"Known fields: {', '.join(self.fields)}."
        error = mendable("There is no field of this name.", "unknown_field", mend)
        found: dict[str, list[Any]] = {self._nameable(key): list(error.detail) for key in keys[:MOST_NAMED]}
        if len(keys) > MOST_NAMED:
            more = unlooked_at(len(keys) - MOST_NAMED, "unknown fields")
            found.setdefault(api_settings.NON_FIELD_ERRORS_KEY, []).extend(more.detail)
        return found

    def _nameable(self, key: str) -> str:
        """A misspelt field is named. Anything else may be an identifier in the wrong place, and is not repeated."""
        if len(key) > MAX_KEY or not (key.isascii() and key.isidentifier()) or problem_in_name(key, ""):
            return api_settings.NON_FIELD_ERRORS_KEY
        # Only those that begin alike: to compare takes long, and a body may hold thousands of such names.
        near = [name for name in map(str, self.fields) if name[0] == key[0]]
        return key if get_close_matches(key, near, n=1) else api_settings.NON_FIELD_ERRORS_KEY


def unlooked_at(number: int, what: str) -> ValidationError:
    message = f"{number} further {what} were not looked at."
    return mendable(message, "more_problems", "Mend what is named, and send it again.")


class BoundedList(serializers.ListField):
    """A list whose length is judged before its entries, and whose bad entries are named up to a number.

    The framework reads every entry before it looks at the length, and names every bad one.
    """

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            message = f"The list has more than {self.max_length} entries."
            raise mendable(message, "max_length", "Leave some out, or send them in several requests.")
        entries: list[Any] = super().to_internal_value(data)
        return entries

    def run_child_validation(self, data: Any) -> list[Any]:
        read: list[Any] = []
        errors: dict[Any, Any] = {}
        entries = list(data)
        for position, entry in enumerate(entries):
            try:
                read.append(self.child.run_validation(entry))
            except ValidationError as error:
                errors[position] = error.detail
            if len(errors) == MOST_NAMED and position + 1 < len(entries):
                left_out = unlooked_at(len(entries) - position - 1, "entries of this list")
                errors[api_settings.NON_FIELD_ERRORS_KEY] = left_out.detail
                break
        if errors:
            raise ValidationError(errors)
        return read


class Unread(serializers.Field[Any, Any, Any, Any]):
    """Anything, to be read later and by itself: one bad row, and a null is one, must not refuse the others."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


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


class ShortName(Text, serializers.SlugField):
    """A short name, sent as a text: 447911123456 without quotes is none."""
