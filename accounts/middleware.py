"""Gives each request its line in the log, and each portal request its Actor and its person's time zone (floor 1)."""

from __future__ import annotations

import uuid
import zoneinfo
from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django_structlog.middlewares import RequestMiddleware
from django_structlog.signals import bind_extra_request_finished_metadata

from accounts.actor import Actor, actor_of_user
from accounts.addresses import client_address
from accounts.models import User
from hub.incoming import is_api


class RequestLogMiddleware(RequestMiddleware):
    """One line for each request, when it is finished; all lines of a request carry its id and the client's address.

    The address is the one that limits and networks go by, not whatever a sender put into X-Forwarded-For.
    """

    def prepare(self, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(request_id=str(uuid.uuid4()), ip=client_address(request))

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        """What members ask by the million has a line only when it was not answered; the audit counts the rest."""
        if response.status_code == HTTPStatus.OK and request.path in settings.COUNTED_NOT_LOGGED:
            structlog.contextvars.clear_contextvars()
        else:
            super().handle_response(request, response)

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        if not is_api(request):
            RequestMiddleware.bind_user_id(request)


@receiver(bind_extra_request_finished_metadata)
def tell_the_program(request: HttpRequest, log_kwargs: dict[str, object], **_: object) -> None:
    log_kwargs["user_agent"] = request.META.get("HTTP_USER_AGENT")


class ActorMiddleware:
    """Sets `request.actor`, lazily. An API request has none: it brings a key."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request):
            return self.get_response(request)
        request.actor = SimpleLazyObject(lambda: session_actor(request))  # type: ignore[attr-defined]
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
