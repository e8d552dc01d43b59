"""How many identifiers organisations have evaluated, and the alerts about it, in the admin (floor 1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.identifier_quota import acknowledge_alert, quota_of
from accounts.identifier_use import IdentifierAlert, IdentifierDay
from accounts.middleware import actor_of_request
from hub.admin.filters import RelatedSelectFilter
from hub.admin.pages import HubModelAdmin, Link, list_url, moment
from hub.admin.steps import Question, Step, SteppedAdmin


def _acknowledge(request: HttpRequest, alert: IdentifierAlert, reason: str) -> None:
    acknowledge_alert(actor=actor_of_request(request), alert=alert, reason=reason)


ACKNOWLEDGE: Step[IdentifierAlert] = Step(
    name="acknowledge",
    question=Question(
        title=_("Acknowledge an alert about identifiers"),
        consequence=_(
            "It is no longer listed as open. Say what you found out and from whom. Nothing changes for the "
            "organisation: lower its quota or suspend it on its own page."
        ),
        button=_("Acknowledge"),
        done=_("Acknowledged: %(names)s."),
    ),
    offered=lambda alert: alert.acknowledged_at is None,
    take=_acknowledge,
)


class OpenFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("open", _("open")), ("acknowledged", _("acknowledged"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("open", "acknowledged"):
            return queryset.filter(acknowledged_at__isnull=self.value() == "open")
        return queryset


@admin.register(IdentifierAlert)
class IdentifierAlertAdmin(SteppedAdmin[IdentifierAlert]):
    audit_type = "identifier_alert"
    steps = (ACKNOWLEDGE,)
    intro = _(
        "An organisation had unusually many identifiers evaluated in a day. Each one is a guess that it can test "
        "against what it sees in the hub. It may be an ordinary backlog, a program that went wrong, or somebody who "
        "tries all phone numbers: ask the organisation."
    )
    list_display = ("day", "organisation", "cause", "identifiers", "quota", "usual_or_unknown", "acknowledged")
    list_filter = (OpenFilter, "cause", ("organisation", RelatedSelectFilter))
    list_select_related = ("organisation", "acknowledged_by")
    ordering = ("-pk",)
    sortable_by = ()
    fields = (*list_display, "acknowledged_by", "created_at")
    readonly_fields = fields

    def links(self, obj: IdentifierAlert) -> list[Link]:
        this = {"organisation__id__exact": obj.organisation_id}
        return [
            Link(_("Its days"), list_url("accounts_identifierday", **this)),
            Link(_("Its API clients"), list_url("accounts_apiclient", **this)),
            Link(_("What it did"), list_url("audit_auditentry", organisation_id=obj.organisation_id)),
        ]

    @admin.display(description=_("usual in a day"))
    def usual_or_unknown(self, obj: IdentifierAlert) -> str:
        return _usual(obj.usual)

    @admin.display(description=_("acknowledged"))
    def acknowledged(self, obj: IdentifierAlert) -> str:
        return moment(obj.acknowledged_at, _("open"))


@admin.register(IdentifierDay)
class IdentifierDayAdmin(HubModelAdmin[IdentifierDay]):
    intro = _(
        "How many identifiers each organisation had evaluated in each day (UTC), blinded or plain. The hub does not "
        "know which ones: it keeps neither the blinded nor the plain form."
    )
    list_display = ("day", "organisation", "identifiers", "quota", "usual_or_unknown", "refused")
    list_filter = (("organisation", RelatedSelectFilter),)
    list_select_related = ("organisation",)
    ordering = ("-day", "-identifiers")
    sortable_by = ()
    fields = list_display
    readonly_fields = fields

    @admin.display(description=_("quota now"))
    def quota(self, obj: IdentifierDay) -> int:
        return quota_of(obj.organisation)

    @admin.display(description=_("usual in a day"))
    def usual_or_unknown(self, obj: IdentifierDay) -> str:
        return _usual(obj.usual)


def _usual(usual: int | None) -> str:
    return str(_("too few days to say")) if usual is None else f"{usual:,}"
