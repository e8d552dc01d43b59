"""The register of signals in the admin: who shared what kind of thing with whom (floor 7).

An administrator keeps the hub, and is no party to what members tell each other: summaries, indicators' values and
members' own references are not even read from the database here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from accounts.middleware import actor_of_request
from hub.admin.filters import RelatedSelectFilter, SelectFilter
from hub.admin.pages import ExactSearch, HubModelAdmin, moment
from sharing.signals.models import Share, Signal, SignalGrant, is_live
from sharing.visibility.models import SharingGroup

STATES = {"active": _("active"), "expired": _("expired"), "retracted": _("retracted")}
SHOWN = (
    "pk",
    "uuid",
    "organisation__name",
    "kind",
    "harm",
    "severity",
    "tlp",
    "created_at",
    "updated_at",
    "expires_at",
    "retracted_at",
)


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return STATES.items()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "active":
                return queryset.filter(is_live())
            case "expired":
                return queryset.filter(Q(retracted_at=None, expires_at__lte=Now()))
            case "retracted":
                return queryset.filter(retracted_at__isnull=False)
        return queryset


class GroupFilter(SelectFilter):
    title = _("sharing group")
    parameter_name = "group"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(str(pk), name) for pk, name in SharingGroup.objects.values_list("pk", "name")]

    def narrowed(self, queryset: QuerySet[Signal], value: str) -> QuerySet[Signal]:
        return queryset.filter(pk__in=Share.objects.filter(sharing_group=int(value)).values("signal"))


@admin.register(Signal)
class SignalAdmin(ExactSearch, HubModelAdmin[Signal]):
    audit_type = "signal"
    intro = _(
        "The register: who shared what kind of thing with whom. Summaries, hashes and members' own references are not "
        "shown. Opening a signal is written down in the audit."
    )
    list_display = (
        "short_uuid",
        "organisation",
        "created_at",
        "kind",
        "harm",
        "severity",
        "tlp_label",
        "shared_with",
        "named",
        "state_in_words",
    )
    list_filter = (
        StateFilter,
        "harm",
        "tlp",
        "kind",
        "severity",
        ("organisation", RelatedSelectFilter),
        GroupFilter,
    )
    search_fields = ("uuid",)
    search_help_text = _("The whole uuid of a signal.")
    ordering = ("-pk",)
    # Newest first is the only order that an index gives at any length.
    sortable_by = ()
    fields = (
        "uuid",
        "organisation",
        "created_at",
        "updated_at",
        "kind",
        "harm",
        "severity",
        "tlp",
        "shared_with",
        "named",
        "state_in_words",
        "expires_at",
        "retracted_or_not",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Signal]:
        shares = Share.objects.select_related("sharing_group").order_by("sharing_group__name")
        grants = SignalGrant.objects.select_related("group__organisation").order_by("group__organisation__name")
        return (
            Signal.objects.overseen_by(actor_of_request(request))
            .select_related("organisation")
            .only(*SHOWN)
            .prefetch_related(Prefetch("shares", shares), Prefetch("grants", grants))
            .order_by("-pk")
        )

    def shown_with(self, request: HttpRequest, obj: Signal) -> dict[str, Any]:
        self.note(request, obj, "register_opened")
        return super().shown_with(request, obj)

    @admin.display(description=_("uuid"))
    def short_uuid(self, obj: Signal) -> str:
        return format_html('<span title="{}">{}…</span>', obj.uuid, str(obj.uuid)[:8])

    @admin.display(description=_("TLP"))
    def tlp_label(self, obj: Signal) -> str:
        return obj.tlp

    @admin.display(description=_("sharing groups"))
    def shared_with(self, obj: Signal) -> str:
        groups = [(share.sharing_group_id, share.sharing_group.name) for share in obj.shares.all()]
        return _linked("admin:sharing_sharinggroup_change", groups) or str(_("no group"))

    @admin.display(description=_("by name"))
    def named(self, obj: Signal) -> str:
        named = [grant.group.organisation for grant in obj.grants.all()]
        links = _linked("admin:accounts_organisation_change", [(found.pk, found.name) for found in named])
        return links or str(_("nobody by name"))

    @admin.display(description=_("state"))
    def state_in_words(self, obj: Signal) -> Any:
        return STATES[obj.state]

    @admin.display(description=_("retracted"))
    def retracted_or_not(self, obj: Signal) -> str:
        return moment(obj.retracted_at, _("not retracted"))


def _linked(address: str, things: Iterable[tuple[int, str]]) -> str:
    """Names with a link each, joined by commas; empty where there are none."""
    return format_html_join(", ", '<a href="{}">{}</a>', ((reverse(address, args=[pk]), name) for pk, name in things))
