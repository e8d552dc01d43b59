"""Re-matching in the admin: start it, watch how far it has come, cancel it (floor 7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.middleware import actor_of_request
from hub.admin.pages import Link, list_url, moment
from hub.admin.steps import Question, Step, SteppedAdmin
from hub.admin.words import ReasonField
from sharing import signal_types
from sharing.matching.models import Rematch
from sharing.matching.rematches import cancel_rematch, start_rematch

_OPEN = (Rematch.State.QUEUED, Rematch.State.RUNNING)


def _cancel(request: HttpRequest, rematch: Rematch, reason: str) -> None:
    cancel_rematch(actor=actor_of_request(request), uuid=rematch.uuid, reason=reason)


CANCEL: Step[Rematch] = Step(
    name="cancel",
    question=Question(
        title=_("Cancel a re-matching"),
        consequence=_(
            "It stops after the signals under way. The matches that it found stay. It can't be taken up again: start "
            "a new one, which begins at the first signal and tells nobody anything twice."
        ),
        button=_("Cancel"),
        done=_("Cancelled: %(names)s."),
    ),
    offered=lambda rematch: rematch.state in _OPEN,
    take=_cancel,
)


class RematchForm(forms.ModelForm[Rematch]):
    signal_type = forms.ChoiceField(
        label=_("Signal type"),
        required=False,
        choices=lambda: [("", _("All signals")), *((item.name, _(item.title)) for item in signal_types.ALL)],
        help_text=_("Only signals that hold an indicator of this type, or all of them."),
    )
    reason = ReasonField()

    class Meta:
        model = Rematch
        fields = ("signal_type", "reason")


@admin.register(Rematch)
class RematchAdmin(SteppedAdmin[Rematch]):
    may_add = True
    audit_type = "rematch"
    form = RematchForm
    steps = (CANCEL,)
    intro = _(
        "Stored signals are matched again in the background: when you ask for it, when a rule changed, and by itself "
        "for an organisation that gained sight of signals. Nobody is told of the same match twice. Reload to see how "
        "far it has come."
    )
    list_display = ("created_at", "what", "cause", "state", "progress", "remaining", "found", "requested_by")
    list_filter = ("state", "cause")
    list_select_related = ("for_organisation", "requested_by")
    ordering = ("-pk",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rematch]:
        overseen = Rematch.objects.overseen_by(actor_of_request(request))
        return overseen.select_related(*self.list_select_related).order_by("-pk")

    def get_fieldsets(self, request: HttpRequest, obj: Rematch | None = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("signal_type", "reason"), "description": STARTING}),)
        return (
            (None, {"fields": ("what", "cause", "groups_or_none", "reason_or_none", "requested_by", "created_at")}),
            (_("Progress"), {"fields": ("state", "progress", "remaining", "found", "started", "ended", "uuid")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Rematch | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        return tuple(name for _title, part in self.get_fieldsets(request, obj) for name in part["fields"])

    def save_model(self, request: HttpRequest, obj: Rematch, form: Form, change: bool) -> None:
        started = start_rematch(actor=actor_of_request(request), reason=obj.reason, signal_type=obj.signal_type)
        obj.pk, obj.uuid = started.pk, started.uuid

    def links(self, obj: Rematch) -> list[Link]:
        return [Link(_("Work that is not done"), list_url("outbox_outboxevent", state="open"))]

    @admin.display(description=_("signals"))
    def what(self, obj: Rematch) -> Any:
        if obj.for_organisation is not None:
            return gettext("those of %(name)s, for itself") % {"name": obj.for_organisation}
        if obj.signal_type:
            return gettext("with %(type)s") % {"type": gettext(signal_types.get(obj.signal_type).title)}
        return gettext("all")

    @admin.display(description=_("progress"))
    def progress(self, obj: Rematch) -> str:
        """How many of how many. Signals that expire meanwhile are not matched, so the end may lie below the total."""
        if obj.total is None:
            return gettext("not begun")
        figure = gettext("%(done)s of %(total)s (%(percent)d %%)") % {
            "done": f"{obj.done:,}",
            "total": f"{obj.total:,}",
            "percent": _percent(obj),
        }
        return format_html('<progress value="{}" max="100" aria-hidden="true"></progress> {}', _percent(obj), figure)

    @admin.display(description=_("time left"))
    def remaining(self, obj: Rematch) -> str:
        left = time_left(obj)
        if left is None:
            return gettext("none") if obj.state not in _OPEN else gettext("not known yet")
        minutes = -(-left // timedelta(minutes=1))
        return ngettext("about %(count)d minute", "about %(count)d minutes", minutes) % {"count": minutes}

    @admin.display(description=_("sharing groups"))
    def groups_or_none(self, obj: Rematch) -> str:
        return ", ".join(obj.groups.values_list("name", flat=True)) or str(_("none"))

    @admin.display(description=_("reason"))
    def reason_or_none(self, obj: Rematch) -> str:
        return obj.reason or str(_("none: the hub began this by itself"))

    @admin.display(description=_("started"))
    def started(self, obj: Rematch) -> str:
        return moment(obj.started_at, _("not yet"))

    @admin.display(description=_("ended"))
    def ended(self, obj: Rematch) -> str:
        return moment(obj.finished_at, _("not yet"))


def time_left(rematch: Rematch) -> timedelta | None:
    """At the pace so far; None where it does not run or has done nothing yet."""
    if rematch.state != Rematch.State.RUNNING or not rematch.done or not rematch.total or not rematch.started_at:
        return None
    return (timezone.now() - rematch.started_at) * (max(rematch.total - rematch.done, 0) / rematch.done)


def _percent(rematch: Rematch) -> int:
    if rematch.state == Rematch.State.FINISHED or not rematch.total:
        return 100
    # Never 100 before it is so.
    return min(99, rematch.done * 100 // rematch.total)


STARTING = _(
    "It goes on in short steps, between which fresh submissions have their turn. Matches that are new are told to each "
    "organisation as one summary, not one by one."
)
