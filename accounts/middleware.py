"""Gives each portal request its Actor and its person's time zone (floor 1)."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.actor import Actor, actor_of_user
from accounts.addresses import client_address
from accounts.models import User


class ActorMiddleware:
    """Sets `request.actor`, lazily: an API request brings a key instead of a session and never asks for this one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.actor = SimpleLazyObject(lambda: session_actor(request))  # type: ignore[attr-defined]
        if request.path.startswith("/api/"):
            return self.get_response(request)
        with timezone.override(time_zone_of(request)):
            return self.get_response(request)


def actor_of_request(request: HttpRequest) -> Actor:
    """The actor that the middleware set."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def session_actor(request: HttpRequest) -> Actor:
    address = client_address(request)
    if isinstance(request.user, User):
        return actor_of_user(request.user, address=address)
    return Actor(organisation=None, address=address)


def time_zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    if not isinstance(request.user, User):
        return None
    try:
        return zoneinfo.ZoneInfo(request.user.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
