"""API clients and their keys in the admin (floor 1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.addresses import validate_network
from accounts.middleware import actor_of_request
from accounts.models import ApiClient, ApiKey, Scope, all_scopes
from accounts.services import MAX_LIVE_KEYS, issue_key, revoke_client, revoke_key
from hub.admin.filters import RelatedSelectFilter
from hub.admin.pages import Link, list_url, moment
from hub.admin.steps import Question, Step, SteppedAdmin
from hub.admin.words import check_texts
from hub.errors import Conflict

# Old keys tell when they were cut; beyond these the audit does.
KEYS_SHOWN = 100
LONGEST_KEY = timedelta(days=3_650)


def _revoke(request: HttpRequest, client: ApiClient, reason: str) -> None:
    revoke_client(actor=actor_of_request(request), client=client, reason=reason)


REVOKE: Step[ApiClient] = Step(
    name="revoke",
    question=Question(
        title=_("Revoke an API client"),
        consequence=_("All its keys are refused from the next request on. This can't be undone: make a new client."),
        button=_("Revoke for good"),
        done=_("Revoked: %(names)s."),
    ),
    offered=lambda client: client.revoked_at is None,
    take=_revoke,
)
REVOKE_KEY = Question(
    title=_("Revoke a key"),
    consequence=_("The key is refused from the next request on. This can't be undone: issue a new key."),
    button=_("Revoke this key"),
    done=_("Revoked: %(names)s"),
)


class ApiClientForm(forms.ModelForm[ApiClient]):
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Give no more than the program needs."),
        error_messages={"required": _("Tick at least one.")},
    )
    allowed_networks = SimpleArrayField(
        forms.CharField(),
        label=_("Allowed networks"),
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=_("For example 203.0.113.0/24. Separate with commas. Empty: any address."),
    )

    class Meta:
        model = ApiClient
        fields = ("organisation", "name", "scopes", "allowed_networks", "rate_per_minute")
        help_texts = {"name": _("What the program is, for example “Moderation service, production”.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        check_texts(self, "name")

    def clean_allowed_networks(self) -> list[str]:
        """Before the model's own check, of which Django would show which item of an array did not validate."""
        networks: list[str] = self.cleaned_data["allowed_networks"]
        wrong = []
        for network in networks:
            try:
                validate_network(network)
            except ValidationError:
                wrong.append(network)
        if wrong:
            message = _("Not a network: %(wrong)s. Write one such as 203.0.113.0/24 or 2001:db8::/32.")
            raise ValidationError(message, params={"wrong": ", ".join(wrong)})
        return networks


class NewKeyForm(forms.Form):
    # The newest key when the page was made. The page that shows a key can be loaded again, which sends the form again.
    newest = forms.IntegerField(widget=forms.HiddenInput)
    expires_on = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The key stops working at the end of this day, in your time zone. Empty: it has no end."),
    )

    def clean_expires_on(self) -> datetime | None:
        day = self.cleaned_data["expires_on"]
        if day is None:
            return None
        today = timezone.localdate()
        if day < today:
            raise ValidationError(_("This day is over. Choose today or later."))
        if day > today + LONGEST_KEY:
            raise ValidationError(_("Choose a day within ten years, or leave it empty: the key then has no end."))
        return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))

    def is_used(self, newest: int) -> bool:
        """Whether a key was issued since the page was made."""
        return self.data.get("newest") != str(newest)


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("live", _("With a live key")), ("keyless", _("Without a live key")), ("revoked", _("Revoked"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "live":
                return queryset.filter(live_count__gt=0)
            case "keyless":
                return queryset.filter(live_count=0, revoked_at=None)
            case "revoked":
                return queryset.filter(revoked_at__isnull=False)
        return queryset


@admin.register(ApiClient)
class ApiClientAdmin(SteppedAdmin[ApiClient]):
    may_add = may_change = True
    audit_type = "api_client"
    form = ApiClientForm
    steps = (REVOKE,)
    intro = _("The programs of the members. Each has its own keys, scopes and limits, and is cut without the others.")
    change_form_template = "admin/accounts/apiclient/change_form.html"
    list_display = ("name", "organisation", "state", "may_do", "live_keys", "last_used", "created_at")
    list_filter = (StateFilter, ("organisation", RelatedSelectFilter))
    list_select_related = ("organisation",)
    search_fields = ("name", "organisation__name", "keys__prefix")
    search_help_text = _("Part of a name, of the organisation's name, or of what a key begins with after “hub_”.")
    autocomplete_fields = ("organisation",)
    readonly_fields = ("state", "created_at", "uuid")
    set_once = ("organisation",)

    def get_fieldsets(self, request: HttpRequest, obj: ApiClient | None = None) -> Any:
        fieldsets = (
            (None, {"fields": ("organisation", "name")}),
            (_("What it may do"), {"fields": ("scopes", "allowed_networks", "rate_per_minute")}),
        )
        return fieldsets if obj is None else (*fieldsets, (_("State"), {"fields": ("state", "created_at", "uuid")}))

    def has_change_permission(self, request: HttpRequest, obj: ApiClient | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.revoked_at is None)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiClient]:
        live = ApiKey.objects.live().filter(client=OuterRef("pk")).order_by().values("client")
        keys = ApiKey.objects.filter(client=OuterRef("pk")).order_by().values("client")
        return (
            super()
            .get_queryset(request)
            .annotate(
                live_count=Coalesce(Subquery(live.annotate(count=Count("pk")).values("count")), 0),
                used_at=Subquery(keys.annotate(used=Max("last_used_at")).values("used")),
            )
        )

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("<path:object_id>/issue/", self.admin_site.admin_view(self.issue_view), name=self.url_name("issue")),
            path(
                "<path:object_id>/keys/<int:key_id>/revoke/",
                self.admin_site.admin_view(self.revoke_key_view),
                name=self.url_name("revoke_key"),
            ),
        ]
        return own + super().get_urls()

    def buttons(self, obj: ApiClient) -> list[Link]:
        if obj.revoked_at is not None:
            return []
        issue = reverse(f"admin:{self.url_name('issue')}", args=[obj.pk])
        return [Link(_("Issue a key"), issue), *super().buttons(obj)]

    def links(self, obj: ApiClient) -> list[Link]:
        organisation = reverse("admin:accounts_organisation_change", args=[obj.organisation_id])
        return [
            Link(_("Organisation"), organisation),
            Link(_("What it did"), list_url("audit_auditentry", client_id=obj.pk)),
        ]

    def shown_with(self, request: HttpRequest, obj: ApiClient) -> dict[str, Any]:
        keys = list(obj.keys.order_by("-created_at", "-pk")[:KEYS_SHOWN])
        return super().shown_with(request, obj) | {"keys": keys}

    def issue_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = self.object_or_404(request, object_id)
        newest = client.keys.aggregate(newest=Coalesce(Max("pk"), 0))["newest"]
        form = NewKeyForm(request.POST if request.method == "POST" else None, initial={"newest": newest})
        if form.is_bound and form.is_used(newest):
            messages.warning(request, _("A key is shown once. If it was not stored, revoke it and issue another."))
            return redirect(self.object_url(client))
        is_full = ApiKey.objects.live().filter(client=client).count() >= MAX_LIVE_KEYS
        if not is_full and form.is_valid():
            try:
                new = issue_key(
                    actor=actor_of_request(request), client=client, expires_at=form.cleaned_data["expires_on"]
                )
            except Conflict as error:
                form.add_error(None, error.message)
            else:
                # In this answer and nowhere else: a session would keep it in the database.
                return self.page(
                    request,
                    "admin/accounts/apiclient/new_key.html",
                    _("The new key"),
                    key=new.key,
                    text=new.text,
                    original=client,
                    back=self.object_url(client),
                )
        return self.page(
            request,
            "admin/hub/form.html",
            _("Issue a key"),
            form=None if is_full else form,
            explanation=FULL if is_full else ISSUING,
            button=_("Issue the key"),
            original=client,
            back=self.object_url(client),
        )

    def revoke_key_view(self, request: HttpRequest, object_id: str, key_id: int) -> HttpResponse:
        client = self.object_or_404(request, object_id)
        key = get_object_or_404(client.keys.filter(revoked_at=None).select_related("client"), pk=key_id)

        def take(reason: str) -> None:
            revoke_key(actor=actor_of_request(request), key=key, reason=reason)

        return self.ask(request, REVOKE_KEY, {key: take}, back=self.object_url(client))

    @admin.display(description=_("state"), ordering="revoked_at")
    def state(self, obj: ApiClient) -> str:
        if obj.revoked_at is None:
            return str(_("in use"))
        return _("revoked %(when)s") % {"when": moment(obj.revoked_at, "")}

    @admin.display(description=_("may do"))
    def may_do(self, obj: ApiClient) -> str:
        if set(obj.scopes) == set(all_scopes()):
            return str(_("everything"))
        return ", ".join(obj.scopes)

    @admin.display(description=_("live keys"))
    def live_keys(self, obj: Any) -> int:
        return int(obj.live_count)

    @admin.display(description=_("last used"))
    def last_used(self, obj: Any) -> str:
        return moment(obj.used_at, _("never"))


FULL = _("This client has two live keys. Revoke one of them first.")
ISSUING = _(
    "A client may have two live keys, so that a program can change over without a pause: issue the second, put it to "
    "use, then revoke the first."
)
