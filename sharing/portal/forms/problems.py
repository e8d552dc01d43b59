"""The domain's problems, put beside the fields that they are about (floor 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from hub.errors import Conflict, Invalid, Problem, UsedUp

# Where the domain's advice speaks to a program, the portal's speaks to a person.
_MENDS: Final = {
    "unknown_group": _("Choose it again under “Who will see it”."),
    "red_to_group": _("Choose no group and name organisations, or choose a less strict TLP."),
    "no_audience": _("Choose a sharing group, or name an organisation."),
    "plain_identifier": _(
        "Switch scripts on, and this page makes a token of it in your browser; or take it out of this form and send it "
        "with your organisation's client."
    ),
    "unknown_type": _("Choose a type of the list."),
    "unknown_key": _("Type the identifier again: a new token is made."),
    "key_ended": _("Type the identifier again: a new token is made."),
    "bad_token": _("Type the identifier again: a new token is made."),
}
# Fields that scripts fill and nobody sees.
_UNSEEN: Final = ("token", "key_id")


@contextmanager
def problems_on(form: forms.BaseForm, rows: Sequence[forms.BaseForm] = ()) -> Iterator[None]:
    """Runs a service; what it refuses becomes errors of the form. `rows` are the forms of /indicators/0 and on.

    A field that had an error before keeps that one: the service was not given what stands in it.
    """
    known = {(id(part), name) for part in (form, *rows) for name in part.errors}
    try:
        yield
    except Invalid as error:
        for problem in error.problems:
            part, name, text = _placed(problem, form, rows)
            if (id(part), name) not in known and text not in part.errors.get(name or NON_FIELD_ERRORS, []):
                part.add_error(name, text)
    except (Conflict, UsedUp) as error:
        form.add_error(None, gettext(error.message))


def _placed(
    problem: Problem, form: forms.BaseForm, rows: Sequence[forms.BaseForm]
) -> tuple[forms.BaseForm, str | None, str]:
    """Which form and field a problem is about (None: the whole form), and its text."""
    first, _slash, rest = problem.path.strip("/").partition("/")
    text = text_of(problem)
    if first == "indicators" and rest:
        number, _slash, name = rest.partition("/")
        first, _slash, inside = (name or "value").partition("/")
        if first in _UNSEEN:
            first = "value"
        form = rows[int(number)]
        if inside:
            frame = int(inside.partition("/")[0]) + 1
            text = gettext("Frame %(number)d: %(text)s") % {"number": frame, "text": text}
    elif first == "account" and rest:
        first = rest.partition("/")[0]
    return form, first if first in form.fields else None, text


def text_of(problem: Problem) -> str:
    mend = _MENDS.get(problem.code, problem.mend)
    return " ".join(gettext(part) for part in (problem.message, mend) if part)


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """One line of the summary at the top of a page: `target` is the id of the field, "" when it is about the whole."""

    target: str
    label: str
    text: str


def error_lines(form: forms.BaseForm, rows: Sequence[forms.BaseForm] = ()) -> list[ErrorLine]:
    """The problems of a form and of its rows of indicators, in the order of the page."""
    lines = []
    for number, row in enumerate(rows, start=1):
        name = gettext("Indicator %(number)d") % {"number": number}
        lines += [ErrorLine(line.target, f"{name}, {line.label}", line.text) for line in error_lines(row)]
    lines += [ErrorLine("", "", str(text)) for text in form.non_field_errors()]
    for field in form:
        lines += [ErrorLine(_target(field), str(field.label), str(text)) for text in field.errors]
    return lines


def _target(field: BoundField) -> str:
    return field.id_for_label or field.auto_id
