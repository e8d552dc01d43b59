"""Rows of indicators: the one place where a person types identifiers, which never come back (floor 7)."""

from __future__ import annotations

import re
from typing import Any, cast

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sharing import signal_types
from sharing.portal.forms.fields import CHOOSE, FigureInput, PlatformName, StyledForm, UnechoedTextarea
from sharing.signal_types.hexadecimal import HexHash
from sharing.signal_types.video import LONGEST_VIDEO, Vpdq
from sharing.signals.inputs import IndicatorInput
from sharing.signals.preparation import MAX_INDICATORS
from sharing.signals.tokens import key_problem

ROWS_WITHOUT_SCRIPT = 5
LONGEST_VALUE = LONGEST_VIDEO
KEYED = frozenset(item.name for item in signal_types.ALL if item.keyed)
# Stands for a platform that was written wrongly, while the user name on it is checked.
ANY_PLATFORM = "platform"
# An IBAN that happens to be written in hexadecimal digits has 24 at most; a phone, a device or a card has fewer.
_TOKEN = re.compile(r"[0-9A-Fa-f]{64}")
_LONG_HEX = re.compile(r"(?=[0-9]*[A-Fa-f])[0-9A-Fa-f]{25,512}")


def _hash_choices() -> list[tuple[Any, Any]]:
    return _type_choices()[:-1]


def _type_choices() -> list[tuple[Any, Any]]:
    shown: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for item in signal_types.ALL:
        shown[item.keyed].append((item.name, gettext(item.title)))
    return [
        CHOOSE,
        (gettext("Hashes, addresses and texts"), shown[False]),
        (gettext("Identifiers: kept as a keyed token only"), shown[True]),
    ]


class TokenInput(forms.HiddenInput):
    """Sends nothing back but what has the shape of a token."""

    def format_value(self, value: Any) -> str | None:
        return value if isinstance(value, str) and _TOKEN.fullmatch(value) else None


class KeyIdInput(forms.HiddenInput):
    """Sends nothing back but the id of a live key."""

    def format_value(self, value: Any) -> str | None:
        return value if isinstance(value, str) and value and key_problem(value) is None else None


class IndicatorForm(StyledForm):
    type = forms.ChoiceField(label=_("Type"), choices=_type_choices, required=False)
    value = forms.CharField(
        label=_("Value"),
        required=False,
        max_length=LONGEST_VALUE,
        strip=False,
        # Spelling checkers of browsers may send what is typed to their makers.
        widget=UnechoedTextarea(
            attrs={"rows": 1, "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
        ),
    )
    platform = PlatformName(label=_("Platform"), required=False, help_text=_("For user names."))
    quality = forms.IntegerField(
        label=_("Quality"),
        required=False,
        min_value=0,
        max_value=100,
        widget=FigureInput,
        help_text=_("For picture hashes: 0 to 100."),
    )
    # An identifier that the browser has turned into a token (static/portal/edge); the value is empty then.
    token = forms.CharField(required=False, max_length=64, widget=TokenInput)
    key_id = forms.CharField(required=False, max_length=16, widget=KeyIdInput)

    def __init__(self, *args: Any, offers_identifiers: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Only what is offered: a row that comes back with a token keeps its type, and who sends a plain identifier all
        # the same is told why it is refused.
        if not offers_identifiers and self["type"].value() not in KEYED:
            widget = self.fields["type"].widget
            assert isinstance(widget, forms.Select)
            widget.choices = _hash_choices()

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        name, value = data.get("type", ""), data.get("value", "")
        if value and not name:
            self.add_error("type", _("Choose what this value is."))
        if name and not value.strip() and not data.get("token"):
            self.add_error("value", _("Type the value, or choose no type to leave this row out."))
        widget = self.fields["value"].widget
        assert isinstance(widget, UnechoedTextarea)
        widget.echoes = is_plainly_a_hash(name, value)
        return data

    @property
    def is_used(self) -> bool:
        """Whether there is a value of a known type, whatever the other fields hold; only after is_valid()."""
        data = self.cleaned_data
        return bool(data.get("type") and (data.get("value", "").strip() or data.get("token")))

    def to_input(self) -> IndicatorInput:
        signal_type = signal_types.get(self.cleaned_data["type"])
        token = self.cleaned_data.get("token", "")
        if token:
            # The platform is in the token already.
            return IndicatorInput(
                type=signal_type.name,
                value=self.cleaned_data["value"],
                token=token,
                key_id=self.cleaned_data.get("key_id", ""),
            )
        return IndicatorInput(
            type=signal_type.name,
            value=self.cleaned_data["value"],
            # A platform with an error of its own must not hide what is wrong with the value.
            platform=self.cleaned_data.get("platform", ANY_PLATFORM) if signal_type.needs_platform else "",
            quality=self.cleaned_data.get("quality") if signal_type.near else None,
        )

    def ask_again(self) -> None:
        """Says why the value is missing from the page that shows this row again."""
        typed = str(self["value"].data or "").strip()
        if not typed or getattr(self.fields["value"].widget, "echoes", False):
            return
        if _takes_hashes(self.cleaned_data.get("type", "")):
            self.add_error("value", _("Type it again: the hub sends nothing back that might be an identifier."))
        else:
            self.add_error("value", _("Type the value again: the hub does not send identifiers back to the browser."))


def is_plainly_a_hash(name: str, value: str) -> bool:
    """Whether this is a hash of a file, a picture or a video, which may be shown again. All else might be an
    identifier, perhaps under a wrong type. A hash with a digit too many or too few is one still, when it is longer than
    any identifier that is written in such digits."""
    if not _takes_hashes(name):
        return False
    try:
        signal_types.get(name).parse(value)
    except signal_types.InvalidValue:
        return _LONG_HEX.fullmatch(value.strip()) is not None
    return True


def _takes_hashes(name: str) -> bool:
    return name in signal_types.NAMES and isinstance(signal_types.get(name), HexHash | Vpdq)


class IndicatorRows(BaseFormSet[IndicatorForm]):
    @cached_property
    def used(self) -> list[IndicatorForm]:
        """The rows that hold a value with its type, in the order of the page; only after is_valid()."""
        return [form for form in self.forms if form.has_changed() and form.is_used]

    def ask_again(self) -> None:
        for form in self.forms:
            form.ask_again()


IndicatorFormSet = cast(
    "type[IndicatorRows]",
    formset_factory(
        IndicatorForm,
        formset=IndicatorRows,
        extra=ROWS_WITHOUT_SCRIPT,
        max_num=MAX_INDICATORS,
        absolute_max=MAX_INDICATORS,
        validate_max=True,
    ),
)
