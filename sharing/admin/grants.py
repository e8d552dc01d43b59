"""Members of a sharing group, within the group's page (floor 7).

Existing grants are a plain table with a way to take each away: as rows of a form they would cost one query each when
the page is saved, and a thousand of them would pass the limit of form fields. Only new grants are form rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.models import ApiClient, Organisation
from hub.admin.pages import Overseen
from hub.admin.words import ReasonField
from sharing.visibility.models import GroupPermission, SharingGroup, SharingGroupGrant
from sharing.visibility.services import grant_access

_LEVELS = list(GroupPermission.values)


@dataclass(frozen=True, slots=True)
class Membership:
    """One grant as the table shows it; the organisation's name stands in its first line only."""

    grant: SharingGroupGrant
    is_first: bool

    @property
    def level(self) -> Any:
        return GroupPermission(self.grant.permission.codename).label


class NewGrantForm(forms.ModelForm[SharingGroupGrant]):
    organisation = forms.ModelChoiceField(
        Organisation.objects.all(),
        label=_("organisation"),
        # The widget wants a foreign key to know which page answers its search; any to an organisation will do.
        widget=AutocompleteSelect(ApiClient._meta.get_field("organisation"), admin.site),
    )
    level = forms.ChoiceField(label=_("level"), choices=GroupPermission.choices, initial=GroupPermission.VIEW)
    reason = ReasonField(widget=forms.Textarea(attrs={"rows": 2, "cols": 30}), help_text="")

    class Meta:
        model = SharingGroupGrant
        fields = ("reason",)


class NewGrants(BaseInlineFormSet[SharingGroupGrant, SharingGroup, NewGrantForm]):
    @property
    def memberships(self) -> list[Membership]:
        """The grants that there are, by organisation."""
        if self.instance.pk is None:
            return []
        grants = self.instance.grants.select_related("group__organisation", "permission", "granted_by")
        ordered = sorted(grants, key=lambda grant: (grant.group.organisation.name, _level_of(grant)))
        earlier = [None, *(grant.group_id for grant in ordered)]
        return [Membership(grant, grant.group_id != before) for grant, before in zip(ordered, earlier, strict=False)]

    @property
    def wanted(self) -> list[dict[str, Any]]:
        """What was filled in: organisation, level and reason of each new grant."""
        return [form.cleaned_data for form in self.forms if form.has_changed() and form.cleaned_data]

    def clean(self) -> None:
        super().clean()
        rows = [form for form in self.forms if {"organisation", "level"} <= getattr(form, "cleaned_data", {}).keys()]
        held = self._held(form.cleaned_data["organisation"] for form in rows)
        for form in rows:
            asked = (form.cleaned_data["organisation"].group_id, form.cleaned_data["level"])
            if asked in held:
                form.add_error(
                    "level", _("It may do this already. To give another reason, take the old grant away first.")
                )
            held.add(asked)

    def _held(self, organisations: Iterable[Organisation]) -> set[tuple[int, str]]:
        if self.instance.pk is None:
            return set()
        groups = [organisation.group_id for organisation in organisations]
        return set(self.instance.grants.filter(group__in=groups).values_list("group", "permission__codename"))

    def give(self, actor: Actor) -> None:
        for row in self.wanted:
            grant_access(
                actor=actor,
                sharing_group=self.instance,
                organisation=row["organisation"],
                permission=GroupPermission(row["level"]),
                reason=row["reason"],
            )


class GrantInline(Overseen, admin.TabularInline[SharingGroupGrant, SharingGroup]):
    model = SharingGroupGrant
    may_add = True
    form = NewGrantForm
    formset = cast(Any, NewGrants)
    fields = ("organisation", "level", "reason")
    extra = 1
    can_delete = False
    template = "admin/sharing/sharinggroup/grants.html"
    verbose_name = _("grant")
    verbose_name_plural = _("Let an organisation in")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SharingGroupGrant]:
        return super().get_queryset(request).none()


def _level_of(grant: SharingGroupGrant) -> int:
    return _LEVELS.index(grant.permission.codename)
