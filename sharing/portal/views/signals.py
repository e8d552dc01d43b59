"""Signals: the list, one signal, changing and retracting one's own (floor 7)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Scope
from hub.errors import Conflict, NotPermitted
from sharing import signal_types
from sharing.matching.selectors import matches_of_signal
from sharing.portal.access import MemberRequest, member
from sharing.portal.explanations import words_of
from sharing.portal.forms.lists import SignalFilterForm
from sharing.portal.forms.own import ChangeForm, RetractForm
from sharing.portal.forms.problems import error_lines, problems_on
from sharing.portal.paging import Page, capped, page_of
from sharing.signals import services
from sharing.signals.models import Signal
from sharing.signals.selectors import COUNT_CAP, audience, capped_count, newest_page
from sharing.visibility.selectors import viewable_group_ids


@require_safe
@member
def signals(request: MemberRequest) -> HttpResponseBase:
    actor = request.actor
    form = SignalFilterForm(actor, request.GET)
    context: dict[str, Any] = {"form": form, "page": Page([], None, True), "count": "0"}
    if form.is_valid():
        filters = form.filters()
        context["page"] = page_of(
            request,
            "signals",
            lambda before, size: newest_page(actor, filters, before=before, size=size),
            lambda signal: signal.pk,
        )
        context["count"] = capped(capped_count(actor, filters), COUNT_CAP)
        context["is_narrowed"] = form.is_narrowed
        context["in_groups"] = bool(viewable_group_ids(actor))
    part = request.htmx and not request.htmx.history_restore_request
    return render(request, "portal/signals/results.html" if part else "portal/signals/list.html", context)


@require_safe
@member
def signal(request: MemberRequest, uuid: UUID) -> HttpResponseBase:
    found = services.read_signal(actor=request.actor, uuid=uuid)
    matches = matches_of_signal(request.actor, found)
    context = {
        "signal": found,
        "indicators": [
            (link, _(signal_types.get(link.indicator.signal_type).title)) for link in found.indicator_links.all()
        ],
        "is_own": is_own(request, found),
        "audience": audience(request.actor, found),
        "matches": [(view.match, words_of(view)) for view in matches],
    }
    return render(request, "portal/signals/signal.html", context)


@member
def change(request: MemberRequest, uuid: UUID) -> HttpResponseBase:
    found = own(request, uuid)
    if found.retracted_at is not None:
        raise Conflict("This signal was retracted. Submit it as a new one.")
    form = ChangeForm(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            if form.changes():
                services.update_signal(actor=request.actor, uuid=uuid, changes=form.changes())
                messages.success(request, _("The change was saved."))
            return redirect("portal:signal", uuid=uuid)
    context = {"signal": found, "form": form, "error_lines": error_lines(form)}
    return render(request, "portal/signals/change.html", context)


@member
def retract(request: MemberRequest, uuid: UUID) -> HttpResponseBase:
    """The confirmation step: nothing is retracted without the reason and the tick that this page asks for."""
    found = own(request, uuid)
    if found.retracted_at is not None:
        return redirect("portal:signal", uuid=uuid)
    form = RetractForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            services.retract_signal(actor=request.actor, uuid=uuid, reason=form.cleaned_data["reason"])
            messages.success(request, _("The signal was retracted. Nobody else sees it any more."))
            return redirect("portal:signal", uuid=uuid)
    context = {
        "signal": found,
        "form": form,
        "audience": audience(request.actor, found),
        "error_lines": error_lines(form),
    }
    return render(request, "portal/signals/retract.html", context)


def own(request: MemberRequest, uuid: UUID) -> Signal:
    """The signal, if the actor's organisation submitted it and this person may write."""
    request.actor.require(Scope.WRITE_SIGNALS)
    found = services.read_signal(actor=request.actor, uuid=uuid)
    if not is_own(request, found):
        raise NotPermitted
    return found


def is_own(request: MemberRequest, found: Signal) -> bool:
    return found.organisation_id == request.actor.organisation_id
