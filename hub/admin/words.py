"""Fields for what administrators write: it is kept, and members read some of it (ground)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub.words import LEAVE_OUT, problem_in


def check_text(text: str) -> None:
    """A validator: the check that the words of signals pass too."""
    problem = problem_in(text, "", LEAVE_OUT)
    if problem is not None:
        raise ValidationError(f"{gettext(problem.message)} {gettext(problem.mend)}")


def check_texts(form: forms.BaseForm, *names: str) -> None:
    """Has these fields of a form checked, where it has them."""
    for name in names:
        if name in form.fields:
            form.fields[name].validators.append(check_text)


class ReasonField(forms.CharField):
    """Why an administrator does something. Checked here as in the services, so that the error stands at the field."""

    def __init__(self, **kwargs: Any) -> None:
        shown: dict[str, Any] = {
            "label": _("Reason"),
            "max_length": 500,
            "widget": forms.Textarea(attrs={"rows": 3, "cols": 60}),
            "help_text": REASON_HELP,
            "validators": [check_text],
        }
        super().__init__(**shown | kwargs)


REASON_HELP = _("Kept in the audit for good. Write what a colleague should know in a year; no personal details.")
SHORT_NAME_INVALID = _("Write a short name: small letters, digits, dashes.")
