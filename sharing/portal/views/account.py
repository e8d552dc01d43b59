"""Sign-in, sign-out and one's own account (floor 7)."""

from __future__ import annotations

import math
from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from accounts import attempts
from accounts.actor import actor_of_user
from accounts.addresses import client_address
from accounts.middleware import actor_of_request
from accounts.models import User
from accounts.services import change_profile
from hub.audit.services import record
from sharing.portal.access import MemberRequest, member
from sharing.portal.forms.account import OwnPasswordForm, ProfileForm, SignInForm
from sharing.portal.forms.problems import error_lines, problems_on


class SignIn(LoginView):
    form_class = SignInForm
    template_name = "portal/account/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Before the form, which hashes what was typed.
        if seconds := attempts.seconds_to_wait(client_address(request)):
            minutes = math.ceil(seconds / 60)
            answer = render(request, "portal/closed_to_network.html", {"minutes": minutes}, status=429)
            answer.headers["Retry-After"] = str(seconds)
            return answer
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)
        address = client_address(self.request)
        with transaction.atomic():
            actor = actor_of_user(user, address=address)
            record(actor=actor, action="session.opened", object_type="user", object_id=user.pk)
            answer = super().form_valid(form)
        attempts.succeeded(address)
        return answer


class PasswordChange(PasswordChangeView):
    form_class = OwnPasswordForm
    template_name = "portal/account/password.html"
    success_url = reverse_lazy("portal:profile")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_invalid(self, form: PasswordChangeForm) -> HttpResponse:
        if form.has_error("old_password", "password_incorrect"):
            actor = actor_of_request(self.request)
            record(actor=actor, action="user.password_refused", object_type="user", object_id=actor.user_id)
        return super().form_invalid(form)

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        user = self.request.user
        assert isinstance(user, User)
        actor = actor_of_user(user, address=client_address(self.request))
        with transaction.atomic():
            record(actor=actor, action="user.password_changed", object_type="user", object_id=user.pk)
            response = super().form_valid(form)
        messages.success(self.request, _("Your password was changed. Other sessions of yours are signed out."))
        return response


@member
def profile(request: MemberRequest) -> HttpResponseBase:
    user = request.actor.user
    assert user is not None
    form = ProfileForm(request.POST or None, initial={"name": user.name, "time_zone": user.time_zone})
    if request.method == "POST" and form.is_valid():
        with problems_on(form):
            change_profile(actor=request.actor, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("portal:profile")
    context = {"form": form, "person": user, "error_lines": error_lines(form)}
    return render(request, "portal/account/profile.html", context)
