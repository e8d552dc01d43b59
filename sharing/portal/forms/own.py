"""Changing and retracting one's own signal (floor 7)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from sharing.portal.forms.fields import MaskedInput, MomentInput, StyledForm, to_the_minute
from sharing.portal.forms.submission import KnowledgeForm
from sharing.signals.models import Signal
from sharing.visibility.models import Harm
from sharing.visibility.tlp import TLP


class ChangeForm(KnowledgeForm):
    """The simple fields. Indicators and audience are changed by submitting the signal's own reference again."""

    harm = forms.ChoiceField(label=_("Harm"), choices=Harm.choices)
    # In a select the meaning of each would be cut off on a phone.
    tlp = forms.ChoiceField(label=_("TLP"), choices=TLP.choices, widget=forms.RadioSelect)
    expires_at = forms.DateTimeField(label=_("Expires"), widget=MomentInput)

    field_order = ["harm", "severity", "tlp", "confidence", "subject_role", "summary"]

    def __init__(self, signal: Signal, data: Any = None) -> None:
        initial = {name: getattr(signal, name) for name in self.base_fields}
        for name in ("observed_at", "expires_at"):
            initial[name] = to_the_minute(initial[name])
        super().__init__(data, initial=initial)

    def changes(self) -> dict[str, Any]:
        """Only what the person changed, in the words of SignalInput."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class RetractForm(StyledForm):
    reason = forms.CharField(
        label=_("Why is it taken back?"),
        max_length=500,
        widget=MaskedInput,
        help_text=_("For your organisation. Write no names, addresses or numbers of people."),
    )
    sure = forms.BooleanField(label=_("I know that this can't be undone"))
