"""Places for requests that hold a thread of this process as long as their body lasts (floor 7).

Few, so that threads are left for everybody else; and one organisation never has all of them, so that slow bodies of one
do not keep out the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from rest_framework.exceptions import Throttled

from accounts.actor import Actor

_WAIT_SECONDS: Final = 5


class Places:
    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_one = max(1, most - 1)
        self._taken: Counter[int | None] = Counter()
        self._lock = Lock()

    @contextmanager
    def one_for(self, actor: Actor) -> Iterator[None]:
        """A place for the actor's organisation. Raises Throttled where none is free for it."""
        organisation = actor.organisation_id
        with self._lock:
            if self._taken.total() >= self._most or self._taken[organisation] >= self._most_of_one:
                raise Throttled(_WAIT_SECONDS)
            self._taken[organisation] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken -= Counter({organisation: 1})  # leaves no zeros behind
