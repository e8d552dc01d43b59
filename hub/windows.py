"""Counting how often something happens in a span of time (ground). In the cache: a count is cheap, and may be lost."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from time import time

from django.core.cache import cache


@dataclass(frozen=True, slots=True)
class Window:
    """Fixed spans of `seconds`: one number to raise, where a sliding window would keep thousands of moments.

    So, around the end of a span, up to twice as many may pass as a limit says.
    """

    purpose: str
    seconds: int

    def count(self, who: str, weight: int = 1) -> int:
        """Count one more of `who`, or one that weighs more. Returns what is in this span, this one included."""
        key = self._key(who)
        try:
            return cache.incr(key, weight)
        except ValueError:  # the first of this span
            cache.add(key, 0, timeout=2 * self.seconds)
        try:
            return cache.incr(key, weight)
        except ValueError:  # evicted between the two calls
            return weight

    def take_back(self, who: str) -> None:
        """One that was counted does not count after all."""
        with contextlib.suppress(ValueError):  # evicted, or of the span before
            cache.decr(self._key(who))

    def wait(self) -> float:
        """Seconds to the end of this span."""
        return self.seconds - time() % self.seconds

    def _key(self, who: str) -> str:
        return f"{self.purpose}:{who}:{int(time() // self.seconds)}"
