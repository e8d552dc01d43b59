"""Requests a minute for each API client, or for each address without a key (floor 7)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.cache import cache
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.actor import Actor
from accounts.addresses import client_address

if TYPE_CHECKING:  # the framework's views import this module
    from rest_framework.views import APIView

WINDOW: Final = 60
# What an ordinary request weighs. A view may say `weight`: less for what is asked for by the thousand.
WHOLE: Final = 100


class ClientThrottle(BaseThrottle):
    """Counts in fixed minutes: one number to raise, where a sliding window would keep thousands of moments."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        actor = request.auth
        if not isinstance(actor, Actor) or actor.client is None:
            # A stranger's body is not read.
            limit: int = settings.API_ANONYMOUS_RATE_PER_MINUTE * WHOLE
            return _count(f"address:{client_address(request)}", WHOLE) <= limit
        who = f"client:{actor.client.pk}"
        limit = (actor.client.rate_per_minute or settings.API_RATE_PER_MINUTE) * WHOLE
        try:
            weight: int = view.weight(request)  # type: ignore[attr-defined]  # a HubView
        except APIException:  # a body that can't be read was a request all the same
            if _count(who, WHOLE) > limit:
                return False
            raise
        return _count(who, weight) <= limit

    def wait(self) -> float:
        return WINDOW - time.time() % WINDOW


def _count(who: str, weight: int) -> int:
    """What weighs on this minute, this request included."""
    key = f"api-rate:{who}:{int(time.time() // WINDOW)}"
    try:
        return cache.incr(key, weight)
    except ValueError:  # the first of this minute
        cache.add(key, 0, timeout=2 * WINDOW)
    try:
        return cache.incr(key, weight)
    except ValueError:  # evicted between the two calls
        return weight
