"""Sign-in by e-mail and password (floor 1)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from accounts.models import User


def attempted_address(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The address that a sign-in is counted under. One person must not have as many counts as there are ways to write
    an address in capitals."""
    given = credentials.get("username") if credentials else request.POST.get("username")
    return str(given or "").strip().lower()


class MemberBackend(ModelBackend):
    """Django's own backend, which also wants an active organisation and fetches it with the user in one query."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        return isinstance(user, User) and super().user_can_authenticate(user) and user.organisation.is_active

    def get_user(self, user_id: int) -> User | None:
        user = User.objects.select_related("organisation__group").filter(pk=user_id).first()
        return user if self.user_can_authenticate(user) else None
