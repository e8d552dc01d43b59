"""Near thresholds in the admin: what was set instead of a type's default, and why (floor 7)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.middleware import actor_of_request
from hub.admin.pages import moment
from hub.admin.steps import Question, Step, SteppedAdmin
from hub.admin.words import ReasonField
from sharing import signal_types
from sharing.matching.thresholds import NearThreshold, default_of, set_threshold


def _put_back(request: HttpRequest, threshold: NearThreshold, reason: str) -> None:
    set_threshold(
        actor=actor_of_request(request),
        signal_type=threshold.signal_type,
        threshold=default_of(threshold.signal_type),
        reason=reason,
    )


PUT_BACK: Step[NearThreshold] = Step(
    name="default",
    question=Question(
        title=_("Put a threshold back to its default"),
        consequence=_("Stored signals are matched again within the default, in the background."),
        button=_("Put back to the default"),
        done=_("At the default again: %(names)s."),
    ),
    offered=lambda row: row.threshold != default_of(row.signal_type),
    take=_put_back,
)


def _type_choices() -> list[tuple[str, Any]]:
    return [(name, _(signal_types.get(name).title)) for name in signal_types.NEAR]


class ThresholdForm(forms.ModelForm[NearThreshold]):
    reason = ReasonField(
        help_text=_("Kept in the audit for good. Why this figure, and what it should mend; no personal details.")
    )

    class Meta:
        model = NearThreshold
        fields = ("threshold", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Each change has a reason of its own.
        self.initial["reason"] = ""

    def clean_threshold(self) -> int:
        threshold = int(self.cleaned_data["threshold"])
        name = self.cleaned_data.get("signal_type") or self.instance.signal_type
        near = signal_types.get(name).near if name in signal_types.NEAR else None
        if near is not None and threshold > near.max_threshold:
            message = _("This type allows 0 to %(most)d bits.")
            raise forms.ValidationError(message, params={"most": near.max_threshold})
        return threshold


class NewThresholdForm(ThresholdForm):
    signal_type = forms.ChoiceField(label=_("Signal type"), choices=_type_choices)

    class Meta(ThresholdForm.Meta):
        fields = ("signal_type", "threshold", "reason")  # type: ignore[assignment]  # one more than its parent


@admin.register(NearThreshold)
class NearThresholdAdmin(SteppedAdmin[NearThreshold]):
    may_add = may_change = True
    audit_type = "near_threshold"
    form = ThresholdForm
    steps = (PUT_BACK,)
    list_display = ("title", "threshold", "default", "reason", "set_by", "set_moment")
    list_select_related = ("set_by",)

    intro = _(
        "In how many bits two hashes may differ and still match. Types that are not listed have their default: 31 for "
        "PDQ pictures and frames of videos, 8 for pHash and dHash."
    )

    def get_fieldsets(self, request: HttpRequest, obj: NearThreshold | None = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("signal_type", "threshold", "reason"), "description": MEANING}),)
        return (
            (None, {"fields": ("title", "default", "threshold", "reason"), "description": MEANING}),
            (_("Last change"), {"fields": ("last_reason", "set_by", "set_moment")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: NearThreshold | None = None) -> tuple[str, ...]:
        return () if obj is None else ("title", "default", "last_reason", "set_by", "set_moment")

    def get_form(
        self, request: HttpRequest, obj: NearThreshold | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs["form"] = NewThresholdForm
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: NearThreshold, form: forms.Form, change: bool) -> None:
        # The service writes the row, and tells the audit.
        stored = set_threshold(
            actor=actor_of_request(request), signal_type=obj.signal_type, threshold=obj.threshold, reason=obj.reason
        )
        obj.pk = stored.pk

    def audit_id(self, obj: NearThreshold) -> object:
        return obj.signal_type

    @admin.display(description=_("signal type"), ordering="signal_type")
    def title(self, obj: NearThreshold) -> str:
        return str(obj)

    @admin.display(description=_("default in bits"))
    def default(self, obj: NearThreshold) -> int:
        return default_of(obj.signal_type)

    @admin.display(description=_("its reason"))
    def last_reason(self, obj: NearThreshold) -> str:
        return obj.reason

    @admin.display(description=_("when"), ordering="set_at")
    def set_moment(self, obj: NearThreshold) -> str:
        return moment(obj.set_at, gettext("not known"))


MEANING = format_lazy(
    "{} {}",
    _(
        "A lower threshold leaves out pairs that are less alike: fewer wrong matches, and more true ones missed. At 0 "
        "only equal hashes match. PDQ and frames of videos allow 0 to 31 bits, pHash and dHash 0 to 8."
    ),
    _(
        "It counts for all sharing groups. Stored signals are then matched again in the background: Re-matching shows "
        "how far that is. How much of two videos must be alike is set in each sharing group."
    ),
)
