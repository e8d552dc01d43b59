"""The audit in the admin: to read, never to write (ground)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from hub.admin.filters import SelectFilter
from hub.admin.pages import ExactSearch, HubModelAdmin, list_url, overseer
from hub.audit.models import AuditEntry
from hub.audit.selectors import values_in_use

# Enough of a uuid to tell rows apart; the whole is in the link and on the entry's page.
SHORT = 8


class WhenFilter(admin.DateFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("time")


class ActionFilter(SelectFilter):
    title = _("what happened")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(action, action) for action in values_in_use("action")]

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(action=value)


@admin.register(AuditEntry)
class AuditEntryAdmin(ExactSearch, HubModelAdmin[AuditEntry]):
    intro = _("Who did and saw what, newest first. Nobody can change it: the database itself refuses.")
    list_display = ("when", "action", "actor", "about", "reason_or_not", "address_or_not")
    list_filter = (("at", WhenFilter), ActionFilter)
    linked_by = ("organisation_id", "user_id", "client_id")
    search_fields = ("object_id",)
    search_help_text = _("The whole id of an object: a uuid, or a number for a person.")
    # Newest first is the only order that an index gives at any length.
    sortable_by = ()
    fields = (
        "when",
        "action",
        "actor",
        "organisation_id",
        "user_id",
        "client_id",
        "address_or_not",
        "about",
        "object_id",
        "reason_or_not",
        "details",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        return AuditEntry.objects.visible_to(overseer(request))

    def found(self, queryset: QuerySet[AuditEntry], term: str) -> QuerySet[AuditEntry]:
        # With the types named, the index on (type, id) serves.
        return queryset.filter(object_type__in=values_in_use("object_type"), object_id=term)

    def audit_link(self, obj: AuditEntry) -> str:
        """Everything else about the same object."""
        return list_url("audit_auditentry", q=obj.object_id) if obj.object_id else ""

    @admin.display(description=_("when"))
    def when(self, obj: AuditEntry) -> str:
        """To the second: entries are put in order beside those of logs."""
        return date_format(timezone.localtime(obj.at), "j M Y, H:i:s T")

    @admin.display(description=_("object"))
    def about(self, obj: AuditEntry) -> str:
        """The object's type and id, as a link where the admin has a page for such objects."""
        if not (obj.object_type and obj.object_id):
            return obj.object_type or str(_("no single object"))
        short = obj.object_id if len(obj.object_id) <= SHORT else f"{obj.object_id[:SHORT]}…"
        for model, page in self.admin_site._registry.items():
            if isinstance(page, HubModelAdmin) and page.audit_type == obj.object_type:
                address = reverse(
                    f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[obj.object_id]
                )
                return format_html('{} <a href="{}" title="{}">{}</a>', obj.object_type, address, obj.object_id, short)
        return format_html('{} <span title="{}">{}</span>', obj.object_type, obj.object_id, short)

    @admin.display(description=_("reason"))
    def reason_or_not(self, obj: AuditEntry) -> str:
        return obj.reason or str(_("none given"))

    @admin.display(description=_("network address"))
    def address_or_not(self, obj: AuditEntry) -> str:
        return obj.address or str(_("unknown"))

    @admin.display(description=_("detail"))
    def details(self, obj: AuditEntry) -> str:
        if not obj.detail:
            return str(_("none"))
        return format_html("<pre>{}</pre>", json.dumps(obj.detail, indent=2, sort_keys=True, ensure_ascii=False))
