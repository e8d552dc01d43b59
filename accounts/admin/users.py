"""People in the admin (floor 1). Nobody is deleted: what a person did stays explained by who that was."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.forms import BaseUserCreationForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts.actor import Actor
from accounts.middleware import actor_of_request
from accounts.models import Organisation, User
from accounts.services import set_active, set_password
from hub.admin.filters import RelatedSelectFilter
from hub.admin.pages import Link, list_url, moment
from hub.admin.steps import Question, Step, SteppedAdmin

hide_passwords = method_decorator(sensitive_post_parameters())


def _set(request: HttpRequest, user: User, reason: str, *, active: bool) -> None:
    set_active(actor=actor_of_request(request), user=user, active=active, reason=reason)


DEACTIVATE: Step[User] = Step(
    name="deactivate",
    question=Question(
        title=_("Deactivate a person"),
        consequence=_("They are signed out at their next request and can't sign in. You can undo this."),
        button=_("Deactivate"),
        done=_("Deactivated: %(names)s."),
    ),
    offered=lambda user: user.is_active,
    take=partial(_set, active=False),
)
ACTIVATE: Step[User] = Step(
    name="activate",
    question=Question(
        title=_("Let a person in again"),
        consequence=_("They can sign in again with the password they had."),
        button=_("Activate"),
        done=_("Active again: %(names)s."),
    ),
    offered=lambda user: not user.is_active,
    take=partial(_set, active=True),
)


class _MemberForm:
    """What holds for a new person and for one who is changed."""

    actor: Actor
    cleaned_data: dict[str, Any]
    instance: User

    def clean_is_staff(self) -> bool:
        is_staff = bool(self.cleaned_data["is_staff"])
        # A new person's is in the form, another's stays as it is; a form without one has its own error.
        organisation = self.instance.organisation if self.instance.pk else self.cleaned_data.get("organisation")
        if is_staff and organisation and organisation.kind != Organisation.Kind.OPERATOR:
            raise ValidationError(_("Only people of a hub operator may administer the hub."))
        if self.instance.pk == self.actor.user_id and not is_staff:
            raise ValidationError(_("This is your own account: you would lock yourself out."))
        return is_staff


class NewUserForm(_MemberForm, BaseUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name", "organisation", "role", "is_staff")
        field_classes: dict[str, Any] = {}


class UserForm(_MemberForm, forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("email", "name", "role", "is_staff")


@admin.register(User)
class UserAdmin(SteppedAdmin[User]):
    may_add = may_change = True
    audit_type = "user"
    form = UserForm
    steps = (DEACTIVATE, ACTIVATE)
    intro = _("The people of the members. Each belongs to one organisation and sees what that organisation sees.")
    list_display = ("email", "name_or_not", "organisation", "role", "is_active", "is_staff", "signed_in")
    list_display_links = ("email",)
    list_filter = ("is_active", "is_staff", "role", "organisation__kind", ("organisation", RelatedSelectFilter))
    list_select_related = ("organisation",)
    search_fields = ("email", "name")
    search_help_text = _("Part of an e-mail address or name.")
    autocomplete_fields = ("organisation",)
    readonly_fields = ("is_active", "signed_in", "created_at", "time_zone")
    set_once = ("organisation",)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return (
                (None, {"fields": ("email", "name", "organisation")}),
                (_("What they may do"), {"fields": ("role", "is_staff"), "description": ROLES}),
                (_("First password"), {"fields": ("password1", "password2"), "description": FIRST_PASSWORD}),
            )
        return (
            (None, {"fields": ("email", "name", "organisation"), "description": MOVING}),
            (_("What they may do"), {"fields": ("role", "is_staff"), "description": ROLES}),
            (_("State"), {"fields": ("is_active", "signed_in", "created_at", "time_zone"), "description": STATE}),
        )

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = NewUserForm
        form = super().get_form(request, obj, change, **kwargs)
        form.actor = actor_of_request(request)  # type: ignore[attr-defined]
        return form

    @hide_passwords
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().add_view(request, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<path:object_id>/password/",
            self.admin_site.admin_view(self.password_view),
            name=self.url_name("password"),
        )
        return [own, *super().get_urls()]

    def buttons(self, obj: User) -> list[Link]:
        password = reverse(f"admin:{self.url_name('password')}", args=[obj.pk])
        return [*super().buttons(obj), Link(_("Set a new password"), password)]

    @hide_passwords
    def password_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = self.object_or_404(request, object_id)
        form: SetPasswordForm[User] = SetPasswordForm(user, request.POST or None)
        if form.is_valid():
            set_password(actor=actor_of_request(request), user=user, password=form.cleaned_data["new_password1"])
            messages.success(request, _("The new password counts from now on."))
            return redirect(self.object_url(user))
        return self.page(
            request,
            "admin/hub/form.html",
            _("Set a new password"),
            form=form,
            original=user,
            explanation=NEW_PASSWORD,
            button=_("Set this password"),
            back=self.object_url(user),
        )

    def links(self, obj: User) -> list[Link]:
        organisation = reverse("admin:accounts_organisation_change", args=[obj.organisation_id])
        return [
            Link(_("Organisation"), organisation),
            Link(_("What they did"), list_url("audit_auditentry", user_id=obj.pk)),
        ]

    @admin.display(description=_("name"), ordering="name")
    def name_or_not(self, obj: User) -> str:
        return obj.name or str(_("not given"))

    @admin.display(description=_("last signed in"), ordering="last_login")
    def signed_in(self, obj: User) -> str:
        return moment(obj.last_login, _("never"))


ROLES = _(
    "Owners, managers and analysts read, submit and review; auditors read only. Owners and auditors also read "
    "their own organisation's audit."
)
FIRST_PASSWORD = _("Tell it to the person by a safe way. They can change it in the portal, in their profile.")
NEW_PASSWORD = _(
    "The person is signed out everywhere. Tell them the new password by a safe way, after you are sure who asked."
)
MOVING = _("A person who moves to another organisation gets a new account there; deactivate this one.")
STATE = _("Deactivate, activate and passwords: with the buttons above. People are never deleted.")
