"""A verdict on a match (floor 7)."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from sharing.matching.models import Match
from sharing.portal.forms.fields import MaskedTextarea, StyledForm

GIVEN = [choice for choice in Match.Verdict.choices if choice[0] != Match.Verdict.UNREVIEWED]


class VerdictForm(StyledForm):
    verdict = forms.ChoiceField(
        label=_("What did you find?"),
        choices=GIVEN,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one.")},
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=1_000,
        widget=MaskedTextarea(attrs={"rows": 3}),
        help_text=_("For your organisation. Write no names, addresses or numbers of people."),
    )
