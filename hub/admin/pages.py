"""What each page of the admin inherits: oversight instead of permissions, an audit entry for each write (ground)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.text import capfirst

from hub.admin.counting import CappedPaginator
from hub.audit.models import Accountable
from hub.audit.services import record

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Link:
    """A way from one page to a related one."""

    label: Any
    url: str


def overseer(request: HttpRequest) -> Accountable:
    """The actor of this request, as accounts.middleware set it."""
    actor: Accountable = request.actor  # type: ignore[attr-defined]
    return actor


def list_url(name: str, **query: object) -> str:
    """Address of a list, for example list_url("accounts_user", q="jo")."""
    return f"{reverse(f'admin:{name}_changelist')}?{urlencode(query)}"


def moment(value: datetime | None, otherwise: Any) -> str:
    """A date and time in the reader's zone, or words where there is none."""
    return formats.date_format(timezone.localtime(value), "DATETIME_FORMAT") if value else str(otherwise)


class Overseen:
    """Who may: an administrator of the hub, as far as the page offers it. Nothing is ever deleted here."""

    may_add: ClassVar[bool] = False
    may_change: ClassVar[bool] = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return overseer(request).oversees

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return overseer(request).oversees

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_add and overseer(request).oversees

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change and overseer(request).oversees

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class HubChangeList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query:
            # Otherwise the search box would offer to "show all" where all is shown.
            self.full_result_count = self.result_count


class HubModelAdmin(Overseen, admin.ModelAdmin[M]):
    """A page of the hub's admin. Read only, unless `may_add` or `may_change` says otherwise.

    Its writes are told to the audit, which is also its history: Django's own log of the admin stays empty, so that
    there is one record, and one that can't be changed.
    """

    # What the audit calls these objects; empty where it does not speak of them one by one.
    audit_type: ClassVar[str] = ""
    # Columns by which other pages link to this list, besides its filters.
    linked_by: ClassVar[tuple[str, ...]] = ()
    # Fields that are written when an object is made, and only shown from then on.
    set_once: ClassVar[tuple[str, ...]] = ()
    paginator = CappedPaginator
    show_full_result_count = False
    # The counts beside filters are one exact count for each choice.
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    change_form_template = "admin/hub/change_form.html"
    change_list_template = "admin/hub/change_list.html"
    # One or two sentences above the list, for somebody who has never seen it.
    intro: ClassVar[Any] = ""

    def links(self, obj: M) -> list[Link]:
        """Related pages, shown above the form."""
        return []

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return HubChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        shown = {"title": capfirst(self.opts.verbose_name_plural), "intro": self.intro}
        return super().changelist_view(request, shown | (extra_context or {}))

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        rows = super().get_queryset(request)
        joined = self.list_select_related
        return rows if isinstance(joined, bool) else rows.select_related(*joined)

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> Any:
        never = super().get_readonly_fields(request, obj)
        return never if obj is None else (*never, *self.set_once)

    def get_prepopulated_fields(self, request: HttpRequest, obj: M | None = None) -> dict[str, Any]:
        return super().get_prepopulated_fields(request, obj) if obj is None else {}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what a filter or a link offers: Django would also answer ?password__startswith=a, letter by letter."""
        offered = {*self.linked_by}
        for item in self.list_filter:
            if isinstance(item, type):
                offered.add(str(getattr(item, "parameter_name", "")))
            else:
                path = item[0] if isinstance(item, tuple) else item
                offered |= {f"{path}__{end}" for end in ("exact", "id__exact", "gte", "lt", "isnull", "isempty")}
        return lookup in offered

    def audit_id(self, obj: M) -> object:
        return getattr(obj, "uuid", obj.pk)

    def audit_link(self, obj: M) -> str:
        """Where to read what was done to it; empty when that is nowhere."""
        return list_url("audit_auditentry", q=self.audit_id(obj)) if self.audit_type else ""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> M | None:
        """By primary key or, where there is one, by uuid: the audit knows objects by theirs."""
        if from_field is None and _is_uuid(object_id) and self._has_uuid():
            from_field = "uuid"
        return super().get_object(request, object_id, from_field)

    def _has_uuid(self) -> bool:
        try:
            self.opts.get_field("uuid")
        except FieldDoesNotExist:
            return False
        return True

    def shown_with(self, request: HttpRequest, obj: M) -> dict[str, Any]:
        """What the page of this object knows besides its fields."""
        return {"links": self.links(obj), "audit_link": self.audit_link(obj)}

    def render_change_form(  # noqa: PLR0917 - Django's signature
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: M | None = None,
    ) -> HttpResponse:
        if obj is not None:
            context |= self.shown_with(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        return redirect((obj and self.audit_link(obj)) or list_url("audit_auditentry"))

    def save_model(self, request: HttpRequest, obj: M, form: Form, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not form.changed_data:
            return
        detail = {"fields": sorted(form.changed_data)} if change else {}
        self.note(request, obj, "updated" if change else "created", **detail)

    def note(self, request: HttpRequest, obj: M, happened: str, **detail: Any) -> None:
        """Write an audit entry about this object, such as organisation.created."""
        record(
            actor=overseer(request),
            action=f"{self.audit_type}.{happened}",
            object_type=self.audit_type,
            object_id=self.audit_id(obj),
            **detail,
        )

    def log_addition(self, request: HttpRequest, obj: M, message: Any) -> None:  # type: ignore[override]
        """Nothing: save_model has told the audit."""

    def log_change(self, request: HttpRequest, obj: M, message: Any) -> None:  # type: ignore[override]
        """Nothing: save_model has told the audit."""


class ExactSearch:
    """Search by a whole id only: `%…%` over a table of millions would read all of it."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (self.found(queryset, term) if term else queryset), False

    def found(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(uuid=term) if _is_uuid(term) else queryset.none()


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
