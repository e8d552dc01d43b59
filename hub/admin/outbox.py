"""Work to do in the admin: to watch, and to hand over again (ground).

Not in hub.outbox, which stands beside the audit and does not know it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from hub.admin.pages import HubModelAdmin, moment, overseer
from hub.audit.services import record
from hub.outbox.models import OutboxEvent
from hub.outbox.services import hand_over_again

PAYLOAD_SHOWN = 2_000


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("open", _("Not done")), ("failed", _("Not done, and failed before")), ("done", _("Done"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "open":
                return queryset.filter(done_at=None)
            case "failed":
                return queryset.filter(done_at=None).exclude(last_error="")
            case "done":
                return queryset.filter(done_at__isnull=False)
        return queryset


class TopicFilter(admin.SimpleListFilter):
    title = _("topic")
    parameter_name = "topic"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(topic, topic) for topic in settings.OUTBOX_ROUTES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(topic=self.value()) if self.value() else queryset


@admin.register(OutboxEvent)
class OutboxEventAdmin(HubModelAdmin[OutboxEvent]):
    intro = _(
        "What must happen after a change, such as matching. Work that fails is tried again by itself, ever later."
    )
    list_display = ("number", "topic", "state", "created_at", "due_at", "attempts", "error_or_not")
    list_filter = (StateFilter, TopicFilter)
    ordering = ("-pk",)
    sortable_by = ()
    actions = ("hand_over",)
    fields = ("topic", "state", "created_at", "due_at", "attempts", "done", "error_or_not", "payload_start")
    readonly_fields = fields

    @admin.action(description=_("Hand over again"))
    def hand_over(self, request: HttpRequest, queryset: QuerySet[OutboxEvent]) -> None:
        """Make open work due now. Harmless when it is under way: what is handed over twice is done once."""
        count = hand_over_again(queryset.values_list("pk", flat=True))
        if not count:
            messages.warning(request, _("Nothing to do: the chosen work is done."))
            return
        record(actor=overseer(request), action="outbox.handed_over", object_type="outbox", count=count)
        done = ngettext("%(count)d piece of work is due now.", "%(count)d pieces of work are due now.", count)
        messages.success(request, done % {"count": count})

    @admin.display(description=_("number"))
    def number(self, obj: OutboxEvent) -> int:
        return obj.pk

    @admin.display(description=_("state"))
    def state(self, obj: OutboxEvent) -> Any:
        if obj.done_at is not None:
            return _("done")
        return _("failed, will be tried again") if obj.last_error else _("not done")

    @admin.display(description=_("done"))
    def done(self, obj: OutboxEvent) -> str:
        return moment(obj.done_at, _("not yet"))

    @admin.display(description=_("last error"))
    def error_or_not(self, obj: OutboxEvent) -> str:
        return obj.last_error or str(_("none"))

    @admin.display(description=_("payload"))
    def payload_start(self, obj: OutboxEvent) -> str:
        """Ids only, by the outbox's own rule; a long batch is cut short."""
        return format_html("<pre>{}</pre>", Truncator(json.dumps(obj.payload)).chars(PAYLOAD_SHOWN))
