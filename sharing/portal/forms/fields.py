"""What all forms share: how they look, and what they never send back to a browser (floor 7)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, ClassVar, Final

from django import forms
from django.core.validators import validate_slug
from django.forms.renderers import BaseRenderer
from django.forms.widgets import Input
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub.words import LEAVE_OUT, TAKEN_OUT, problem_in, without_identifiers

CHOOSE = ("", _("Choose…"))
# What may be shown again of a figure, a day and a moment. No phone number is so short, or written so.
_FIGURE: Final = re.compile(r"-?[0-9]{1,4}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_CHECKED = (forms.CheckboxInput, forms.CheckboxSelectMultiple, forms.RadioSelect)


class StyledForm(forms.Form):
    """Gives each widget the class that Tabler draws it by, and leaves out the colon after labels.

    What a masked widget takes out of a text, its field refuses: nobody's words are changed without a word.
    """

    # How to put such a text right on this page.
    mend_of_texts: ClassVar[str] = LEAVE_OUT

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
            if isinstance(field.widget, MaskedInput | MaskedTextarea):
                field.validators.append(self.check_text)

    def check_text(self, text: str) -> None:
        """Refuses what is masked when the page is shown again, and what was masked then and not written anew."""
        problem = problem_in(text, "", self.mend_of_texts)
        if problem is not None:
            mark = _("It is not shown again: %(mark)s stands in its place, and has to go as well.")
            raise forms.ValidationError(
                f"{gettext(problem.message)} {gettext(problem.mend)} {mark}", params={"mark": TAKEN_OUT}
            )
        if TAKEN_OUT in text:
            raise forms.ValidationError(
                _("%(mark)s stands where something was taken out of this text. Write that part again without it."),
                params={"mark": TAKEN_OUT},
            )


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


class _OfOneShape(Input):
    """Shows what was typed again only if it has the shape of what belongs here: it may be an identifier."""

    shape: re.Pattern[str]

    def format_value(self, value: Any) -> str | None:
        text = super().format_value(value)
        return text if text and self.shape.fullmatch(text) else None


class FigureInput(_OfOneShape, forms.NumberInput):
    """A small number. Anything else that was typed here may be an identifier, and is not sent back."""

    shape = _FIGURE


class DayInput(_OfOneShape, forms.DateInput):
    """A day, as browsers send it. Anything else that was typed is not sent back."""

    input_type = "date"
    shape = _DAY

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class MomentInput(_OfOneShape, forms.DateTimeInput):
    """Day and time to the minute, in the person's zone. Anything else that was typed is not sent back."""

    input_type = "datetime-local"
    shape = _MOMENT

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


def to_the_minute(moment: datetime | None) -> datetime | None:
    """What MomentInput can show; without this an untouched field would count as changed."""
    return moment and moment.replace(second=0, microsecond=0)


class PlatformName(forms.CharField):
    """The short name of a platform."""

    widget = MaskedInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=60, **kwargs)
        self.validators.append(check_short_name)


def check_short_name(text: str) -> None:
    try:
        validate_slug(text)
    except forms.ValidationError:
        raise forms.ValidationError(_("Write a short name: small letters, digits, dashes.")) from None


class ShortNames(forms.CharField):
    """Several words in one line, separated by commas or spaces. Gives them as a tuple, each once."""

    widget = MaskedInput

    def clean(self, value: Any) -> Any:
        # Only now: the field's own checks are about the text.
        text = super().clean(value)
        return tuple(dict.fromkeys(text.replace(",", " ").split()))
