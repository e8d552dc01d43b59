"""Floods in the admin: the list of what is summarised, and the operators' decisions about it (floor 7).

An administrator of the hub decides without reading: the type and the number of an indicator are shown, its value and
what was said about it are not even read from the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.middleware import actor_of_request
from hub.admin.pages import ExactSearch, Link, moment
from hub.admin.steps import SteppedAdmin
from hub.admin.words import ReasonField
from hub.errors import Invalid
from sharing.matching.floods.models import Flood
from sharing.matching.floods.services import decide_flood

LONGEST_DAYS = 366


class DecisionForm(forms.Form):
    decision = forms.ChoiceField(label=_("Decision"), choices=Flood.Decision.choices, widget=forms.RadioSelect)
    reason = ReasonField()
    until = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The decision ends with this day, in your time zone, and the flood is summarised again."),
    )

    def clean_until(self) -> datetime | None:
        day = self.cleaned_data["until"]
        if day is None:
            return None
        # Before any arithmetic: the last day of the calendar has no day after it.
        if day > timezone.localdate() + timedelta(days=LONGEST_DAYS):
            raise ValidationError(_("Choose a day within a year: what is excluded should be looked at again."))
        return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))

    def add_problems(self, error: Invalid) -> None:
        for problem in error.problems:
            self.add_error(problem.path.lstrip("/"), f"{problem.message} {problem.mend}")


class DecisionFilter(admin.SimpleListFilter):
    title = _("decision in force")
    parameter_name = "decision"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(value, label) for value, label in Flood.Decision.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        ended = Q(decided_until__lte=Now())
        if self.value() == Flood.Decision.OPEN:
            return queryset.filter(Q(decision=Flood.Decision.OPEN) | ended)
        return queryset.filter(~ended, decision=self.value()) if self.value() else queryset


@admin.register(Flood)
class FloodAdmin(ExactSearch, SteppedAdmin[Flood]):
    audit_type = "flood"
    intro = _(
        "Hashes and identifiers that lead to so many signals that new ones are summarised instead of told one by one. "
        "Nothing is left out of searches. Exclude what says nothing, such as a blank picture; let it alert where each "
        "one counts."
    )
    list_display = ("name", "signal_type", "at_least", "crossed_at", "decision_in_force", "until", "decided_by")
    list_filter = (DecisionFilter,)
    search_fields = ("uuid",)
    search_help_text = _("The whole uuid of a flood.")
    ordering = ("-pk",)
    sortable_by = ()
    fields = (
        "name",
        "signal_type",
        "signals",
        "summarised",
        "crossed_at",
        "decision_in_force",
        "reason_or_none",
        "until",
        "decided_by",
        "uuid",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flood]:
        floods = Flood.objects.overseen_by(actor_of_request(request)).select_related("centre", "decided_by")
        return floods.defer("witnesses", "centre__value", "centre__key_id").order_by("-pk")

    def get_urls(self) -> list[URLPattern]:
        decide = path(
            "<path:object_id>/decide/", self.admin_site.admin_view(self.decide_view), name=self.url_name("decide")
        )
        return [decide, *super().get_urls()]

    def buttons(self, obj: Flood) -> list[Link]:
        return [Link(_("Decide"), reverse(f"admin:{self.url_name('decide')}", args=[obj.pk]))]

    def decide_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        flood = self.object_or_404(request, object_id)
        form = DecisionForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                decide_flood(actor=actor_of_request(request), flood=flood, **form.cleaned_data)
            except Invalid as error:
                form.add_problems(error)
            else:
                self.message_user(request, _("The decision was saved."))
                return redirect(self.object_url(flood))
        return self.page(
            request,
            "admin/hub/form.html",
            _("Decide about a flood"),
            form=form,
            explanation=DECIDING,
            button=_("Save the decision"),
            original=self.name(flood),
            back=self.object_url(flood),
        )

    @admin.display(description=_("indicator"))
    def name(self, obj: Flood) -> str:
        return _("number %(number)d") % {"number": obj.centre_id}

    @admin.display(description=_("type"))
    def signal_type(self, obj: Flood) -> str:
        return obj.centre.signal_type

    @admin.display(description=_("signals, at least"))
    def at_least(self, obj: Flood) -> int:
        return obj.at_least

    @admin.display(description=_("decision in force"))
    def decision_in_force(self, obj: Flood) -> Any:
        return Flood.Decision(obj.in_force).label

    @admin.display(description=_("until"))
    def until(self, obj: Flood) -> str:
        return moment(obj.decided_until, _("no end"))

    @admin.display(description=_("reason"))
    def reason_or_none(self, obj: Flood) -> str:
        return obj.reason or str(_("none"))


DECIDING = _(
    "To exclude tells nobody of new signals through this indicator and those around it, until the last day. To raise "
    "alerts tells of each of them again, which may be thousands. What was told before stays as it is."
)
