"""Requests a minute for each API client, or for each address without a key (floor 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.actor import Actor
from accounts.addresses import client_address, network_of
from hub.incoming import BODY_READ, Unreadable
from hub.windows import Window

if TYPE_CHECKING:  # the framework's views import this module
    from rest_framework.views import APIView

    from sharing.api.views.base import HubView

# What an ordinary request weighs. A view may say `weight`: less for what is asked for by the thousand.
WHOLE: Final = 100
# Of a body: bytes that weigh as much as a request, where the view says nothing else.
BODY_OF_A_REQUEST: Final = 256 * 1024
# Bytes that are read without asking first: to read them takes less than to count twice.
SMALL_BODY: Final = 4_096
_requests = Window("api-rate", 60)


def _body_bytes(request: Request) -> int:
    """So far as is known: of a body in chunks, what was read. What is too large is refused unread."""
    if BODY_READ in request.META:
        return int(request.META[BODY_READ])
    try:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
    return size if size <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE else 0


def _known_unread(request: Request, view: HubView) -> int:
    """What the request weighs at least. A body sent in chunks says its size when it is read."""
    if BODY_READ in request.META:
        return min(1, view.least_weight(1))
    return _by_size(request, view)


def _by_size(request: Request, view: HubView) -> int:
    size = _body_bytes(request)
    return view.least_weight(size) if size > SMALL_BODY else 0


class ClientThrottle(BaseThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        actor = request.auth
        if not isinstance(actor, Actor) or actor.client is None:
            # A stranger's body is not read.
            limit: int = settings.API_ANONYMOUS_RATE_PER_MINUTE * WHOLE
            return _requests.count(f"address:{network_of(client_address(request))}", WHOLE) <= limit
        who = f"client:{actor.client.pk}"
        limit = (actor.client.rate_per_minute or settings.API_RATE_PER_MINUTE) * WHOLE
        view = cast("HubView", view)
        counted = _known_unread(request, view)
        # Reading is what costs: whoever is over the limit already is refused unread.
        if counted and _requests.count(who, counted) > limit:
            return False
        try:
            weight = max(view.weight(request), _by_size(request, view))
        except (APIException, RequestDataTooBig, Unreadable):
            # A body that can't be read was a request all the same, and what was read of it counts.
            if _requests.count(who, max(WHOLE - counted, _by_size(request, view) - counted, 0)) > limit:
                return False
            raise
        return _requests.count(who, max(weight - counted, 0)) <= limit

    def wait(self) -> float:
        return _requests.wait()


def count_lines(actor: Actor, lines: int) -> None:
    """Lines of a body that is read piece by piece count for a hundredth of a request each. Raises Throttled.

    A piece is taken while anything is left of the minute, however long it is: otherwise a client with a low limit could
    never send one.
    """
    if actor.client is None:
        return
    limit = (actor.client.rate_per_minute or settings.API_RATE_PER_MINUTE) * WHOLE
    if _requests.count(f"client:{actor.client.pk}", lines) - lines >= limit:
        raise Throttled(_requests.wait())
