"""Requests a minute for each API client, or for each address without a key (floor 7)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.actor import Actor
from accounts.addresses import client_address

if TYPE_CHECKING:  # the framework's views import this module
    from rest_framework.views import APIView

WINDOW = 60


class ClientThrottle(BaseThrottle):
    """Counts in fixed minutes: one number to raise, where a sliding window would keep thousands of moments."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        who, limit = self._who_and_limit(request)
        key = f"api-rate:{who}:{int(time.time() // WINDOW)}"
        if cache.add(key, 1, timeout=2 * WINDOW):
            return limit >= 1
        try:
            return cache.incr(key) <= limit
        except ValueError:  # evicted between the two calls
            return True

    def wait(self) -> float:
        return WINDOW - time.time() % WINDOW

    @staticmethod
    def _who_and_limit(request: Request) -> tuple[str, int]:
        actor = request.auth
        if isinstance(actor, Actor) and actor.client is not None:
            return f"client:{actor.client.pk}", actor.client.rate_per_minute or settings.API_RATE_PER_MINUTE
        return f"address:{client_address(request)}", settings.API_ANONYMOUS_RATE_PER_MINUTE
