"""Requests a minute for each API client, or for each address without a key (floor 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.actor import Actor
from accounts.addresses import client_address, network_of
from hub.windows import Window

if TYPE_CHECKING:  # the framework's views import this module
    from rest_framework.views import APIView

# What an ordinary request weighs. A view may say `weight`: less for what is asked for by the thousand.
WHOLE: Final = 100
_requests = Window("api-rate", 60)


class ClientThrottle(BaseThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        actor = request.auth
        if not isinstance(actor, Actor) or actor.client is None:
            # A stranger's body is not read.
            limit: int = settings.API_ANONYMOUS_RATE_PER_MINUTE * WHOLE
            return _requests.count(f"address:{network_of(client_address(request))}", WHOLE) <= limit
        who = f"client:{actor.client.pk}"
        limit = (actor.client.rate_per_minute or settings.API_RATE_PER_MINUTE) * WHOLE
        try:
            weight: int = view.weight(request)  # type: ignore[attr-defined]  # a HubView
        except APIException:  # a body that can't be read was a request all the same
            if _requests.count(who, WHOLE) > limit:
                return False
            raise
        return _requests.count(who, weight) <= limit

    def wait(self) -> float:
        return _requests.wait()
