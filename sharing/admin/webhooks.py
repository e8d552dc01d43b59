"""Members' webhooks in the admin: see how they do, switch one off or on (floor 7).

Of an address only the host is shown: path and query may hold a key of the member's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.middleware import actor_of_request
from hub.admin.filters import RelatedSelectFilter
from hub.admin.pages import ExactSearch, HubModelAdmin, Link, list_url, moment
from hub.admin.steps import Question, Step, SteppedAdmin
from sharing.notifications.models import WebhookDelivery, WebhookEndpoint
from sharing.notifications.services import oversee_webhook


def _switch(*, enabled: bool) -> Callable[[HttpRequest, WebhookEndpoint, str], None]:
    def take(request: HttpRequest, endpoint: WebhookEndpoint, reason: str) -> None:
        oversee_webhook(actor=actor_of_request(request), uuid=endpoint.uuid, enabled=enabled, reason=reason)

    return take


SWITCH_OFF: Step[WebhookEndpoint] = Step(
    name="switch-off",
    question=Question(
        title=_("Switch a webhook off"),
        consequence=_(
            "The hub calls this address no more. What waits ends as failed. The member sees that an administrator "
            "switched it off, not the reason, and can't switch it on again."
        ),
        button=_("Switch off"),
        done=_("Switched off: %(names)s."),
    ),
    offered=lambda endpoint: endpoint.is_enabled,
    take=_switch(enabled=False),
)
SWITCH_ON: Step[WebhookEndpoint] = Step(
    name="switch-on",
    question=Question(
        title=_("Switch a webhook on"),
        consequence=_("The hub calls this address again from the next event on. The member can have sent what failed."),
        button=_("Switch on"),
        done=_("Switched on: %(names)s."),
    ),
    offered=lambda endpoint: not endpoint.is_enabled,
    take=_switch(enabled=True),
)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ExactSearch, SteppedAdmin[WebhookEndpoint]):
    audit_type = "webhook"
    steps = (SWITCH_OFF, SWITCH_ON)
    intro = _(
        "Addresses of members that the hub calls when something happens. Members set them up in the portal or over "
        "the API. One that takes nothing for three days is switched off by itself, and the member is told."
    )
    list_display = ("host_name", "organisation", "state", "cause", "failing", "waiting", "created_at")
    list_filter = ("state", "cause", ("organisation", RelatedSelectFilter))
    list_select_related = ("organisation",)
    search_fields = ("uuid",)
    search_help_text = _("Search by a whole id.")
    ordering = ("-pk",)
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("host_name", "organisation", "event_names", "description", "uuid", "created_at")}),
        (_("How it does"), {"fields": ("state", "cause", "switched_off", "failing", "failures", "waiting")}),
    )
    readonly_fields = (
        "host_name", "organisation", "event_names", "description", "uuid", "created_at",
        "state", "cause", "switched_off", "failing", "failures", "waiting",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        waits = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), state=WebhookDelivery.State.WAITING)
        number = waits.order_by().values("endpoint").annotate(number=Count("pk")).values("number")
        overseen = WebhookEndpoint.objects.overseen_by(actor_of_request(request)).select_related("organisation")
        return overseen.annotate(waits=Coalesce(Subquery(number, output_field=IntegerField()), 0)).order_by("-pk")

    def links(self, obj: WebhookEndpoint) -> list[Link]:
        return [Link(_("Deliveries"), list_url("sharing_webhookdelivery", endpoint__id__exact=obj.pk))]

    @admin.display(description=_("host"))
    def host_name(self, obj: WebhookEndpoint) -> str:
        return obj.host

    @admin.display(description=_("events"))
    def event_names(self, obj: WebhookEndpoint) -> str:
        return ", ".join(obj.events)

    @admin.display(description=_("failing since"))
    def failing(self, obj: WebhookEndpoint) -> str:
        return moment(obj.failing_since, _("it does not fail"))

    @admin.display(description=_("switched off"))
    def switched_off(self, obj: WebhookEndpoint) -> str:
        return moment(obj.disabled_at, _("no"))

    @admin.display(description=_("waiting"))
    def waiting(self, obj: Any) -> int:
        return int(obj.waits)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ExactSearch, HubModelAdmin[WebhookDelivery]):
    intro = _("What webhooks were told or are to be told, without its content. Those that ended are kept for 30 days.")
    linked_by = ("endpoint__id__exact",)
    list_display = (
        "uuid",
        "endpoint",
        "organisation",
        "event",
        "state",
        "attempts",
        "last_error",
        "last_status",
        "due",
    )
    list_filter = ("state", "event", "last_error")
    list_select_related = ("endpoint__organisation",)
    search_fields = ("uuid",)
    search_help_text = _("Search by a whole id.")
    ordering = ("-pk",)
    sortable_by = ()
    fields = (
        "uuid", "endpoint", "organisation", "event", "created_at", "state", "attempts", "attempted_at", "last_status",
        "last_error", "due", "finished_at",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        overseen = WebhookDelivery.objects.overseen_by(actor_of_request(request))
        return overseen.select_related(*self.list_select_related).order_by("-pk")

    @admin.display(description=_("organisation"))
    def organisation(self, obj: WebhookDelivery) -> str:
        return str(obj.endpoint.organisation)

    @admin.display(description=_("next attempt"))
    def due(self, obj: WebhookDelivery) -> str:
        return moment(obj.due_at if obj.state == WebhookDelivery.State.WAITING else None, _("none"))
