"""Does the hub know this? A look-up for people: nothing is submitted, and nothing of the question is kept (floor 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_http_methods

from accounts.models import Organisation, Scope
from hub.errors import UsedUp
from hub.windows import Window
from sharing import signal_types
from sharing.matching.lookups import Answer, Found, look_up
from sharing.matching.models import Match
from sharing.portal.access import MemberRequest, member
from sharing.portal.edge import PREFIX, offers, rows_context
from sharing.portal.forms.indicators import IndicatorForm, IndicatorFormSet, IndicatorRows
from sharing.portal.forms.problems import ErrorLine, error_lines, text_of
from sharing.signals.holders import Holder
from sharing.signals.models import Signal
from sharing.visibility.models import Harm

# Checks of one person in a minute. Programs have their own limit, by weight.
CHECKS_PER_MINUTE: Final = 60
_checks = Window("portal-checks", 60)
_TOO_MANY: Final = _("You have checked very often in the last minute. Wait a moment.")
_NOTHING: Final = _("There is nothing to check yet: choose a file, or fill in a row.")
_VERDICTS: Final = dict(Match.Verdict.choices)


@dataclass(frozen=True, slots=True)
class Known:
    """A signal that was found, in words."""

    signal: Holder
    organisation: str
    harm: str
    severity: str
    nearness: str
    verdicts: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one row: `problems`, or what is `known`."""

    number: int
    title: str
    known: list[Known]
    more: bool
    problems: list[str]


@require_http_methods(["GET", "HEAD", "POST"])
@member
def check(request: MemberRequest) -> HttpResponseBase:
    actor = request.actor
    actor.require(Scope.LOOK_UP)
    rows = IndicatorFormSet(
        request.POST if request.method == "POST" else None, prefix=PREFIX, form_kwargs=offers(actor)
    )
    context: dict[str, Any] = {"rows": rows, "is_check": True, **rows_context(actor, every_key=True)}
    if rows.is_bound:
        context |= _answered(request, rows)
    is_part = request.htmx and not request.htmx.history_restore_request
    return render(request, "portal/checking/results.html" if is_part else "portal/checking/check.html", context)


def _answered(request: MemberRequest, rows: IndicatorRows) -> dict[str, Any]:
    if rows.is_valid() and rows.used:
        return {"results": _results(request, rows)}
    if rows.is_valid():
        return {"error_lines": [ErrorLine("", "", gettext(_NOTHING))]}
    rows.ask_again()
    nothing_else = IndicatorForm(prefix="none")
    return {"error_lines": error_lines(nothing_else, rows.forms), "too_many": rows.non_form_errors()}


def _results(request: MemberRequest, rows: IndicatorRows) -> list[Result]:
    if _checks.count(str(request.actor.user_id)) > CHECKS_PER_MINUTE:
        raise UsedUp(_TOO_MANY, retry_after=int(_checks.wait()) + 1)
    answers = look_up(actor=request.actor, items=[row.to_input() for row in rows.used])
    names = _names(answers)
    return [
        _result(rows.forms.index(row) + 1, row.cleaned_data["type"], answer, names)
        for row, answer in zip(rows.used, answers, strict=True)
    ]


def _names(answers: list[Answer]) -> dict[str, str]:
    """Names of the organisations whose signals were found: whoever sees a signal sees whose it is."""
    slugs = {found.signal.organisation for answer in answers for found in answer.found}
    return dict(Organisation.objects.filter(slug__in=slugs).values_list("slug", "name")) if slugs else {}


def _result(number: int, signal_type: str, answer: Answer, names: dict[str, str]) -> Result:
    item = signal_types.get(signal_type)
    return Result(
        number,
        gettext(item.title),
        [_known(item, found, names) for found in answer.found],
        answer.more,
        [text_of(problem) for problem in answer.problems],
    )


def _known(item: signal_types.SignalType, found: Found, names: dict[str, str]) -> Known:
    held = found.signal
    return Known(
        held,
        names.get(held.organisation, held.organisation),
        str(Harm(held.harm).label),
        str(Signal.Severity(held.severity).label),
        _nearness(item, found.distance),
        ", ".join(f"{_VERDICTS[verdict]}: {count}" for verdict, count in found.verdicts.items() if count),
    )


def _nearness(item: signal_types.SignalType, distance: int) -> str:
    if not distance or item.near is None:
        return gettext("The same value.")
    return ngettext("%(distance)d of %(bits)d bits differs.", "%(distance)d of %(bits)d bits differ.", distance) % {
        "distance": distance,
        "bits": item.near.bits,
    }
