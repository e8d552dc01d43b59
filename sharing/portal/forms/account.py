"""Signing in and one's own profile (floor 7)."""

from __future__ import annotations

import functools
import zoneinfo
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sharing.portal.forms.fields import StyledForm

_REGIONS = frozenset(
    {
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    }
)


@functools.cache
def time_zones() -> list[tuple[str, Any]]:
    """Zones by region, as groups of choices."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for zone in sorted(zoneinfo.available_timezones()):
        region, _slash, place = zone.partition("/")
        if place and region in _REGIONS:
            groups.setdefault(region, []).append((zone, place.replace("_", " ").replace("/", ", ")))
    return [("UTC", "UTC"), *groups.items()]


class SignInForm(StyledForm, AuthenticationForm):
    error_messages = {
        "invalid_login": _("This e-mail address and password don't belong together. Check both and try again."),
        "inactive": _("This account is not active."),
    }


class OwnPasswordForm(StyledForm, PasswordChangeForm):
    """Django's own, in the look of the portal.

    The old password is tried and counted as at sign-in: whoever finds an open session must not guess without end.
    """

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        if authenticate(self._request, username=self.user.get_username(), password=old) != self.user:
            raise forms.ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return old


class ProfileForm(StyledForm):
    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        help_text=_("Your colleagues see it beside your verdicts."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), help_text=_("All times are shown in it."), choices=time_zones)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = self.initial.get("time_zone", "")
        field = self.fields["time_zone"]
        assert isinstance(field, forms.ChoiceField)
        if current and not field.valid_value(current):
            field.choices = [(current, current), *time_zones()]
