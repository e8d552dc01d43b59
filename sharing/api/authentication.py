"""API keys: `Authorization: Bearer hub_…` (floor 7)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.actor import Actor
from accounts.addresses import client_address
from accounts.services import actor_of_key
from sharing.matching.thresholds import WITH_THRESHOLDS
from sharing.visibility.selectors import WITH_VIEWABLE_GROUPS

_PARTS = 2
# Facts that nearly every request needs, in the one query that it begins with.
_ALSO = (WITH_VIEWABLE_GROUPS, WITH_THRESHOLDS)


class ApiKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the Actor behind the key. A session counts for nothing here, so no CSRF is possible."""

    def authenticate(self, request: Request) -> tuple[None, Actor] | None:
        parts = get_authorization_header(request).split()
        if not parts:
            return None
        if parts[0].lower() != b"bearer" or len(parts) != _PARTS:
            raise AuthenticationFailed("The key could not be read. Write: Authorization: Bearer hub_…")
        actor = actor_of_key(parts[1].decode("latin-1"), *_ALSO, address=client_address(request))
        if actor is None:
            raise AuthenticationFailed(
                "This key is not valid: unknown, expired, revoked, or used from another network."
            )
        return None, actor

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key of your organisation: hub_…"}
