"""Requests a minute for each API client, or for each address without a key (floor 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.actor import Actor
from accounts.addresses import client_address, network_of
from hub.windows import Window

if TYPE_CHECKING:  # the framework's views import this module
    from rest_framework.views import APIView

_requests = Window("api-rate", 60)


class ClientThrottle(BaseThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        who, limit = self._who_and_limit(request)
        return _requests.count(who) <= limit

    def wait(self) -> float:
        return _requests.wait()

    @staticmethod
    def _who_and_limit(request: Request) -> tuple[str, int]:
        actor = request.auth
        if isinstance(actor, Actor) and actor.client is not None:
            return f"client:{actor.client.pk}", actor.client.rate_per_minute or settings.API_RATE_PER_MINUTE
        return f"address:{network_of(client_address(request))}", settings.API_ANONYMOUS_RATE_PER_MINUTE
