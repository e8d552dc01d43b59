"""Places for bulk uploads (floor 7): each holds a thread of this process as long as its body lasts.

There are few, so that threads are left for everybody else, and one organisation never has all of them, so that slow
bodies of one do not keep out the others. Whoever sends a body again takes the place of the request that had it before,
which may hang on a connection that is dead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from rest_framework.exceptions import Throttled

from accounts.actor import Actor
from sharing.api.ndjson import Source

_WAIT_SECONDS: Final = 5

_Upload = tuple[int | None, int | None, str]  # organisation, API client, Idempotency-Key


class Places:
    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_one = max(1, most - 1)
        self._held: dict[_Upload, Source] = {}
        self._lock = Lock()

    @contextmanager
    def one_for(self, actor: Actor, key: str, source: Source) -> Iterator[None]:
        """A place for this body. Raises Throttled where none is free for the actor's organisation."""
        upload = actor.organisation_id, actor.client.pk if actor.client else None, key
        with self._lock:
            before = self._held.get(upload)
            if before is None and not self._is_one_free(actor.organisation_id):
                raise Throttled(_WAIT_SECONDS)
            self._held[upload] = source
        if before is not None:
            before.take_over()
        try:
            yield
        finally:
            with self._lock:
                if self._held.get(upload) is source:
                    del self._held[upload]

    def _is_one_free(self, organisation: int | None) -> bool:
        of_one = sum(1 for holder, _client, _key in self._held if holder == organisation)
        return len(self._held) < self._most and of_one < self._most_of_one
