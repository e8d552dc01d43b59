"""What all forms share: how they look, and what they never send back to a browser (floor 7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sharing.signals.words import without_identifiers

CHOOSE = ("", _("Choose…"))
_CHECKED = (forms.CheckboxInput, forms.CheckboxSelectMultiple, forms.RadioSelect)


class StyledForm(forms.Form):
    """Gives each widget the class that Tabler draws it by, and leaves out the colon after labels."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            look = "form-control"
            if isinstance(field.widget, _CHECKED):
                look = "form-check-input"
            elif isinstance(field.widget, forms.Select):
                look = "form-select"
            field.widget.attrs.setdefault("class", look)
            if isinstance(field, forms.ChoiceField):
                # Django's own sentence repeats what was sent.
                field.error_messages["invalid_choice"] = gettext("Choose one of the list.")


class MaskedInput(forms.TextInput):
    """Free text that the hub refuses identifiers in. What was refused is not sent back to the browser either."""

    def format_value(self, value: Any) -> str | None:
        return without_identifiers(value) if isinstance(value, str) else None


class MaskedTextarea(forms.Textarea):
    """MaskedInput for several lines."""

    def format_value(self, value: Any) -> str | None:
        return without_identifiers(value) if isinstance(value, str) else None


class UnechoedTextarea(forms.Textarea):
    """A value that is never sent back to the browser, like a password, unless `echoes` says that this one may be."""

    echoes = False

    def render(self, name: str, value: Any, attrs: Any = None, renderer: BaseRenderer | None = None) -> Any:
        return super().render(name, value if self.echoes else "", attrs, renderer)


class MomentInput(forms.DateTimeInput):
    """Day and time to the minute, in the person's zone."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


def to_the_minute(moment: datetime | None) -> datetime | None:
    """What MomentInput can show; without this an untouched field would count as changed."""
    return moment and moment.replace(second=0, microsecond=0)


class ShortNames(forms.CharField):
    """Several words in one line, separated by commas or spaces."""

    widget = MaskedInput

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        return tuple(dict.fromkeys(part for part in text.replace(",", " ").split() if part))
