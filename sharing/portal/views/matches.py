"""The inbox of matches, one match, and the verdict on it (floor 7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from sharing import signal_types
from sharing.matching.floods.selectors import FloodView, floods_page
from sharing.matching.models import Match
from sharing.matching.selectors import COUNT_CAP, MatchView, matches_count, matches_page, read_match
from sharing.matching.services import give_verdict
from sharing.matching.summaries import seen_rematch
from sharing.portal.access import MemberRequest, member
from sharing.portal.explanations import comparisons, words_of
from sharing.portal.forms.lists import MatchFilterForm
from sharing.portal.forms.matches import VerdictForm
from sharing.portal.forms.problems import error_lines, problems_on
from sharing.portal.paging import Page, capped, page_of
from sharing.portal.rematches import found_when, summary_lines

FLOODS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ListedMatch:
    view: MatchView
    strength_words: str

    @property
    def match(self) -> Match:
        return self.view.match

    @property
    def is_unreviewed(self) -> bool:
        return self.view.match.verdict == Match.Verdict.UNREVIEWED


@dataclass(frozen=True, slots=True)
class ListedFlood:
    view: FloodView
    title: str


def listed(views: Iterable[MatchView]) -> list[ListedMatch]:
    return [ListedMatch(view, words_of(view)) for view in views]


@require_safe
@member
def inbox(request: MemberRequest) -> HttpResponseBase:
    form = MatchFilterForm(request.GET)
    context: dict[str, Any] = {"form": form, "page": Page([], None, True), "count": "0"}
    if form.is_valid():
        actor, filters = request.actor, form.filters()
        context["page"] = page_of(
            request,
            "matches",
            lambda before, size: listed(matches_page(actor, filters, before=before, size=size)),
            lambda row: row.match.pk,
        )
        context["count"] = capped(matches_count(actor, filters), COUNT_CAP)
        context["is_narrowed"] = any(form.cleaned_data.values())
        if context["page"].is_first and not context["is_narrowed"]:
            context["floods"] = [
                ListedFlood(view, _(signal_types.get(view.type).title))
                for view in floods_page(actor, size=FLOODS_SHOWN)
            ]
        found_by = seen_rematch(actor, filters.rematch) if filters.rematch else None
        context["found_when"] = found_when(found_by) if found_by else ""
    part = request.htmx and not request.htmx.history_restore_request
    if not part:
        context["summaries"] = summary_lines(request.actor)
    return render(request, "portal/matches/results.html" if part else "portal/matches/inbox.html", context)


@require_safe
@member
def match(request: MemberRequest, uuid: UUID) -> HttpResponseBase:
    view = read_match(actor=request.actor, uuid=uuid)
    found_by = view.match.rematch and seen_rematch(request.actor, view.match.rematch.uuid)
    context = shown(view, verdict_form(view)) | {"found_when": found_when(found_by) if found_by else ""}
    return render(request, "portal/matches/match.html", context)


@require_POST
@member
def verdict(request: MemberRequest, uuid: UUID) -> HttpResponseBase:
    """Takes a verdict, or takes it back (`take_back`). A part of the page for htmx, a redirect otherwise."""
    takes_back = "take_back" in request.POST
    form = VerdictForm(request.POST)
    if takes_back or form.is_valid():
        with problems_on(form):
            given = Match.Verdict.UNREVIEWED if takes_back else form.cleaned_data["verdict"]
            note = "" if takes_back else form.cleaned_data["note"]
            give_verdict(actor=request.actor, uuid=uuid, verdict=given, note=note)
            said = _("The verdict was taken back.") if takes_back else _("The verdict was saved.")
            if not request.htmx:
                messages.success(request, said)
                return redirect("portal:match", uuid=uuid)
            view = read_match(actor=request.actor, uuid=uuid)
            context = shown(view, verdict_form(view)) | {"said": said}
            return render(request, "portal/matches/verdict.html", context)
    context = shown(read_match(actor=request.actor, uuid=uuid), form)
    context["error_lines"] = error_lines(form)
    return render(request, "portal/matches/verdict.html" if request.htmx else "portal/matches/match.html", context)


def verdict_form(view: MatchView) -> VerdictForm:
    reviewed = view.match.verdict != Match.Verdict.UNREVIEWED
    return VerdictForm(initial={"verdict": view.match.verdict if reviewed else None, "note": view.match.note})


def shown(view: MatchView, form: VerdictForm) -> dict[str, Any]:
    return {
        "match": view.match,
        "reviewed": view.match.verdict != Match.Verdict.UNREVIEWED,
        "strength_words": words_of(view),
        "comparisons": comparisons(view),
        "form": form,
    }
