"""Sharing groups in the admin (floor 7)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.middleware import actor_of_request
from accounts.models import Organisation
from hub.admin.filters import SelectFilter
from hub.admin.pages import Link, list_url
from hub.admin.steps import Question, Step, SteppedAdmin
from hub.admin.words import SHORT_NAME_INVALID, check_texts
from sharing.admin.grants import GrantInline, NewGrants
from sharing.matching.models import Rematch
from sharing.matching.rematches import start_rematch
from sharing.visibility.models import GroupPermission, Harm, SharingGroup, SharingGroupGrant
from sharing.visibility.services import revoke_access, set_group_status


def _set(request: HttpRequest, sharing_group: SharingGroup, reason: str, *, status: str) -> None:
    set_group_status(actor=actor_of_request(request), sharing_group=sharing_group, status=status, reason=reason)


CLOSE: Step[SharingGroup] = Step(
    name="close",
    question=Question(
        title=_("Close a sharing group"),
        consequence=_(
            "From the next request on nobody sees signals through it, and nothing new can be shared with it. Its "
            "members and signals stay on record. You can open it again."
        ),
        button=_("Close"),
        done=_("Closed: %(names)s."),
    ),
    offered=lambda group: group.status == SharingGroup.Status.ACTIVE,
    take=partial(_set, status=SharingGroup.Status.CLOSED),
)
OPEN: Step[SharingGroup] = Step(
    name="open",
    question=Question(
        title=_("Open a sharing group again"),
        consequence=_("Its members see its signals again, with the permissions they had."),
        button=_("Open again"),
        done=_("Open again: %(names)s."),
    ),
    offered=lambda group: group.status != SharingGroup.Status.ACTIVE,
    take=partial(_set, status=SharingGroup.Status.ACTIVE),
)
TAKE_AWAY = Question(
    title=_("Take a permission away"),
    consequence=_(
        "It counts from the next request on, and takes the permissions with it that include this one: who may not see "
        "can't share either. What the organisation has seen or copied stays known to it."
    ),
    button=_("Take away"),
    done=_("Taken away: %(names)s."),
)


class SharingGroupForm(forms.ModelForm[SharingGroup]):
    harms = forms.MultipleChoiceField(
        label=_("Harms"),
        choices=Harm.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Kinds of harm that belong here. None ticked: all of them."),
    )
    retention_days = forms.IntegerField(
        label=_("Default retention in days"),
        initial=365,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text=_("A signal that names no expiry date expires after this many days."),
    )

    class Meta:
        model = SharingGroup
        fields = (
            "name",
            "slug",
            "purpose",
            "harms",
            "max_tlp",
            "retention_days",
            "video_query_share",
            "video_stored_share",
        )
        help_texts = {"slug": _("How the API names this group. Members store it, so it can't be changed later.")}
        error_messages = {"slug": {"invalid": SHORT_NAME_INVALID}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Every member of the group reads these.
        check_texts(self, "name", "purpose")


class MemberFilter(SelectFilter):
    title = _("member")
    parameter_name = "member"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Organisation.objects.values_list("pk", "name")]

    def narrowed(self, queryset: QuerySet[SharingGroup], value: str) -> QuerySet[SharingGroup]:
        grants = SharingGroupGrant.objects.filter(
            group__organisation=int(value), permission__codename=GroupPermission.VIEW
        )
        return queryset.filter(pk__in=grants.values("content_object"))


@admin.register(SharingGroup)
class SharingGroupAdmin(SteppedAdmin[SharingGroup]):
    may_add = may_change = True
    audit_type = "sharing_group"
    form = SharingGroupForm
    inlines = (GrantInline,)
    steps = (CLOSE, OPEN)
    intro = _("Organisations that agreed to share for a purpose. Open one to let organisations in or take them out.")
    list_display = ("name", "slug", "is_open", "max_tlp", "harms_or_all", "members", "retention_days", "created_at")
    list_filter = ("status", "max_tlp", MemberFilter)
    search_fields = ("name", "slug", "purpose")
    search_help_text = _("Part of a name, short name or purpose.")
    readonly_fields = ("status", "created_at", "uuid")
    # In a select the meaning of each TLP would be cut off on a phone.
    radio_fields = {"max_tlp": admin.VERTICAL}
    set_once = ("slug",)
    prepopulated_fields = {"slug": ("name",)}

    def get_fieldsets(self, request: HttpRequest, obj: SharingGroup | None = None) -> Any:
        fieldsets = (
            (None, {"fields": ("name", "slug", "purpose")}),
            (_("What may be shared here"), {"fields": ("harms", "max_tlp", "retention_days")}),
            (_("When videos match"), {"fields": sorted(VIDEO_SHARES), "description": VIDEOS}),
        )
        state = (_("State"), {"fields": ("status", "created_at", "uuid"), "description": STATE})
        return fieldsets if obj is None else (*fieldsets, state)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SharingGroup]:
        viewers = SharingGroupGrant.objects.filter(
            content_object=OuterRef("pk"), permission__codename=GroupPermission.VIEW
        )
        count = viewers.order_by().values("content_object").annotate(count=Count("pk")).values("count")
        return super().get_queryset(request).annotate(member_count=Coalesce(Subquery(count), 0))

    def save_model(self, request: HttpRequest, obj: SharingGroup, form: forms.Form, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not VIDEO_SHARES.isdisjoint(form.changed_data):
            start_rematch(
                actor=actor_of_request(request),
                reason=gettext("How much of a video is enough was changed in %(group)s.") % {"group": obj.slug},
                cause=Rematch.Cause.THRESHOLD,
                signal_type="vpdq",
            )

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        assert isinstance(formset, NewGrants)
        formset.give(actor_of_request(request))
        # Django's summary of the save asks for these; the audit already has each grant.
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<path:object_id>/grants/<int:grant_id>/revoke/",
            self.admin_site.admin_view(self.revoke_view),
            name=self.url_name("revoke"),
        )
        return [own, *super().get_urls()]

    def revoke_view(self, request: HttpRequest, object_id: str, grant_id: int) -> HttpResponse:
        group = self.object_or_404(request, object_id)
        grants = group.grants.select_related("group__organisation", "permission")
        grant = get_object_or_404(grants, pk=grant_id)

        def take(reason: str) -> None:
            revoke_access(
                actor=actor_of_request(request),
                sharing_group=group,
                organisation=grant.group.organisation,
                permission=GroupPermission(grant.permission.codename),
                reason=reason,
            )

        return self.ask(request, TAKE_AWAY, {grant: take}, back=self.object_url(group))

    def links(self, obj: SharingGroup) -> list[Link]:
        return [Link(_("Signals"), list_url("sharing_signal", group=obj.pk))]

    @admin.display(description=_("status"), ordering="status")
    def is_open(self, obj: SharingGroup) -> Any:
        return _("active") if obj.status == SharingGroup.Status.ACTIVE else _("closed")

    @admin.display(description=_("harms"))
    def harms_or_all(self, obj: SharingGroup) -> str:
        return ", ".join(str(Harm(harm).label) for harm in obj.harms) or str(_("all"))

    @admin.display(description=_("members"))
    def members(self, obj: Any) -> int:
        return int(obj.member_count)


VIDEO_SHARES = {"video_query_share", "video_stored_share"}
VIDEOS = _("A change has all stored videos matched again in the background: Re-matching shows how far that is.")
STATE = _("Close or open again with the button above. Groups are never deleted.")
