"""Organisations in the admin (floor 1)."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.identifier_quota import allow_plain_identifiers, quota_of, used_today
from accounts.middleware import actor_of_request
from accounts.models import ApiClient, Organisation, User
from accounts.services import set_status
from hub.admin.pages import Link, list_url
from hub.admin.steps import Question, Step, SteppedAdmin
from hub.admin.words import SHORT_NAME_INVALID, check_texts


def _set(request: HttpRequest, organisation: Organisation, reason: str, *, status: str) -> None:
    set_status(actor=actor_of_request(request), organisation=organisation, status=status, reason=reason)


SUSPEND: Step[Organisation] = Step(
    name="suspend",
    question=Question(
        title=_("Suspend an organisation"),
        consequence=_(
            "Its people are signed out and its API keys are refused, each at its next request. Its signals stay, and "
            "those they were shared with still see them. You can reactivate it."
        ),
        button=_("Suspend"),
        done=_("Suspended: %(names)s."),
    ),
    offered=lambda organisation: organisation.is_active,
    take=partial(_set, status=Organisation.Status.SUSPENDED),
)
REACTIVATE: Step[Organisation] = Step(
    name="reactivate",
    question=Question(
        title=_("Reactivate an organisation"),
        consequence=_("Its people and its API keys that were not revoked or expired work again at once."),
        button=_("Reactivate"),
        done=_("Active again: %(names)s."),
    ),
    offered=lambda organisation: not organisation.is_active,
    take=partial(_set, status=Organisation.Status.ACTIVE),
)


def _allow(request: HttpRequest, organisation: Organisation, reason: str, *, allowed: bool) -> None:
    actor = actor_of_request(request)
    allow_plain_identifiers(actor=actor, organisation=organisation, allowed=allowed, reason=reason)


ALLOW_PLAIN: Step[Organisation] = Step(
    name="allow-plain",
    question=Question(
        title=_("Let an organisation send identifiers in plain"),
        consequence=_(
            "It may then send e-mail addresses, phone numbers and so on as they are, in submissions and look-ups. The "
            "hub makes the tokens at once and keeps nothing else, but its processes see each value. Do this only for "
            "an organisation that can't run the client, and say in the reason why it can't and who agreed."
        ),
        button=_("Allow plain identifiers"),
        done=_("May send identifiers in plain: %(names)s."),
    ),
    offered=lambda organisation: not organisation.plain_identifiers,
    take=partial(_allow, allowed=True),
)
REFUSE_PLAIN: Step[Organisation] = Step(
    name="refuse-plain",
    question=Question(
        title=_("Refuse identifiers in plain"),
        consequence=_(
            "From its next request on, identifiers in plain are refused with a word on how to make tokens. What it has "
            "submitted before stays, and goes on matching: the tokens are the same."
        ),
        button=_("Refuse plain identifiers"),
        done=_("Sends identifiers as tokens only: %(names)s."),
    ),
    offered=lambda organisation: organisation.plain_identifiers,
    take=partial(_allow, allowed=False),
)


class OrganisationForm(forms.ModelForm[Organisation]):
    actor: Actor

    class Meta:
        model = Organisation
        fields = ("name", "slug", "kind", "country", "identifiers_per_day")
        help_texts = {
            "slug": _(
                "How the API names this organisation. <strong>It can't be changed later</strong>, because members "
                "store it: check the spelling before you save."
            ),
            "kind": _("Staff of a hub operator administer the hub. Everybody else works with signals."),
        }
        error_messages = {"slug": {"invalid": SHORT_NAME_INVALID}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Every member reads it.
        check_texts(self, "name")

    def clean_country(self) -> str:
        country = str(self.cleaned_data["country"]).upper()
        if country and not re.fullmatch("[A-Z]{2}", country):
            raise ValidationError(_("Write two letters, for example GB."))
        return country

    def clean_kind(self) -> str:
        kind = str(self.cleaned_data["kind"])
        if self.instance.pk == self.actor.organisation_id and kind != Organisation.Kind.OPERATOR:
            raise ValidationError(_("This is your own organisation: you would lock yourself out."))
        return kind


@admin.register(Organisation)
class OrganisationAdmin(SteppedAdmin[Organisation]):
    may_add = may_change = True
    audit_type = "organisation"
    form = OrganisationForm
    steps = (SUSPEND, REACTIVATE, ALLOW_PLAIN, REFUSE_PLAIN)
    intro = _("The members of the hub. What one may see is decided by the sharing groups that it is in.")
    list_display = ("name", "slug", "kind", "country_or_not", "status", "people", "clients", "created_at")
    list_filter = ("status", "kind")
    search_fields = ("name", "slug")
    search_help_text = _("Part of a name or short name.")
    readonly_fields = ("status", "created_at", "uuid", "plain_identifiers", "identifiers_today")
    set_once = ("slug",)
    prepopulated_fields = {"slug": ("name",)}

    def get_fieldsets(self, request: HttpRequest, obj: Organisation | None = None) -> Any:
        described = (None, {"fields": ("name", "slug", "kind", "country")})
        if obj is None:
            return (described,)
        return (
            described,
            (
                _("Identifiers"),
                {
                    "fields": ("plain_identifiers", "identifiers_per_day", "identifiers_today"),
                    "description": _("Allow or refuse plain identifiers with the button above; it asks for a reason."),
                },
            ),
            (
                _("State"),
                {
                    "fields": ("status", "created_at", "uuid"),
                    "description": _("Suspend or reactivate with the button above. Organisations are never deleted."),
                },
            ),
        )

    def get_form(
        self, request: HttpRequest, obj: Organisation | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.actor = actor_of_request(request)  # type: ignore[attr-defined]
        return form

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organisation]:
        return super().get_queryset(request).annotate(people_count=_counted(User), client_count=_counted(ApiClient))

    def links(self, obj: Organisation) -> list[Link]:
        this = {"organisation__id__exact": obj.pk}
        return [
            Link(_("People"), list_url("accounts_user", **this)),
            Link(_("API clients"), list_url("accounts_apiclient", **this)),
            Link(_("Sharing groups"), list_url("sharing_sharinggroup", member=obj.pk)),
            Link(_("Signals"), list_url("sharing_signal", **this)),
            Link(_("Identifiers by day"), list_url("accounts_identifierday", **this)),
            Link(_("What it did"), list_url("audit_auditentry", organisation_id=obj.pk)),
        ]

    @admin.display(description=_("country"), ordering="country")
    def country_or_not(self, obj: Organisation) -> str:
        return obj.country or str(_("not given"))

    @admin.display(description=_("identifiers today"))
    def identifiers_today(self, obj: Organisation) -> str:
        return _("%(used)s of %(quota)s") % {"used": f"{used_today(obj):,}", "quota": f"{quota_of(obj):,}"}

    @admin.display(description=_("people"))
    def people(self, obj: Any) -> int:
        return int(obj.people_count)

    @admin.display(description=_("API clients"))
    def clients(self, obj: Any) -> int:
        return int(obj.client_count)


def _counted(model: type[User] | type[ApiClient]) -> Coalesce:
    """How many belong to each organisation, without a join that would multiply rows."""
    own = model._default_manager.filter(organisation=OuterRef("pk")).order_by().values("organisation")
    return Coalesce(Subquery(own.annotate(count=Count("pk")).values("count")), 0)
