"""Submitting one signal in two steps: who will see it, what is known (floor 7).

The audience comes first and stands fixed above the second step, so that nobody shares with more than was shown, with
or without scripts. It travels in the address; what is said about people only ever travels in a POST.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.actor import Actor
from accounts.models import Scope
from hub.errors import Invalid
from sharing.portal.access import MemberRequest, member
from sharing.portal.edge import PREFIX, offers, rows_context
from sharing.portal.forms.indicators import IndicatorFormSet
from sharing.portal.forms.problems import error_lines, problems_on
from sharing.portal.forms.submission import (
    AccountDetailsForm,
    AudienceForm,
    DetailsForm,
)
from sharing.signals import services
from sharing.signals.inputs import SignalInput
from sharing.signals.models import Signal
from sharing.signals.preparation import Preparation
from sharing.signals.reach import planned_audience
from sharing.signals.selectors import Access


@require_safe
@member
def submit(request: MemberRequest) -> HttpResponseBase:
    """Step 1. Its preview is fetched again whenever a choice changes, or by the button."""
    request.actor.require(Scope.WRITE_SIGNALS)
    form = AudienceForm(request.actor, request.GET if "tlp" in request.GET else None)
    context: dict[str, Any] = {"form": form, "accesses": previewed(request, form)}
    if request.htmx and not request.htmx.history_restore_request:
        return render(request, "portal/signals/preview.html", context | {"problems": error_lines(form)})
    context["error_lines"] = error_lines(form) if form.is_bound else []
    return render(request, "portal/signals/audience.html", context)


@member
def submit_details(request: MemberRequest) -> HttpResponseBase:
    """Step 2."""
    request.actor.require(Scope.WRITE_SIGNALS)
    audience = AudienceForm(request.actor, request.GET)
    accesses = previewed(request, audience)
    if accesses is None:
        return HttpResponseRedirect(f"{reverse('portal:submit')}?{request.GET.urlencode()}")
    is_account = audience.cleaned_data["kind"] == Signal.Kind.ACCOUNT
    sent = request.POST if request.method == "POST" else None
    form = (AccountDetailsForm if is_account else DetailsForm)(sent)
    rows = IndicatorFormSet(sent, prefix=PREFIX, form_kwargs=offers(request.actor))
    if request.method == "POST":
        # Both are asked, so that one page shows every problem.
        is_complete = all([form.is_valid(), rows.is_valid()])
        with problems_on(form, rows.used):
            item = form.to_input(audience, rows.used)
            if is_complete:
                outcome = services.submit_signal(actor=request.actor, item=item)
                assert outcome.signal is not None  # otherwise Invalid was raised
                messages.success(request, said(created=outcome.created))
                return redirect("portal:signal", uuid=outcome.signal.uuid)
            refuse(request.actor, item, is_without_rows=not rows.has_changed())
        rows.ask_again()
    context = {
        "form": form,
        "rows": rows,
        "audience": audience,
        "accesses": accesses,
        "is_account": is_account,
        "error_lines": error_lines(form, rows.forms) if form.is_bound else [],
        "too_many": rows.non_form_errors(),
        **rows_context(request.actor),
    }
    return render(request, "portal/signals/details.html", context)


def previewed(request: MemberRequest, form: AudienceForm) -> list[Access] | None:
    """Who would see it; None while the choices don't make an audience yet, and the form then says why."""
    if not form.is_bound or not form.is_valid():
        return None
    with problems_on(form):
        return planned_audience(request.actor, **form.audience)
    return None


def refuse(actor: Actor, item: SignalInput, *, is_without_rows: bool) -> None:
    """Raises Invalid for what the hub would object to in an input that the forms have found wrong in other places.

    Who must type identifiers again should have to do so once, so the two lists of problems come together.
    """
    found = Preparation(actor, [item]).prepare(item)
    if isinstance(found, list):
        # Rows that have errors are not in the input, and must not be called missing.
        raise Invalid([problem for problem in found if is_without_rows or problem.path != "/indicators"])


def said(*, created: bool) -> str:
    if created:
        return _("The signal was stored. Matching takes about a second.")
    return _("Your earlier signal with this reference was changed.")
