"""Audit of what happens a thousand times a second: sums instead of an entry for each (ground).

Sums are kept in the process, and written after settings.AUDIT_TALLY_SECONDS, at MOST items, and when the process ends.
A process that is killed loses what it had not written: fewer than MOST items of each caller, of the last few seconds.
"""

from __future__ import annotations

import atexit
import threading
from dataclasses import dataclass
from typing import Final

import structlog
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction

from hub.audit.models import Accountable
from hub.audit.services import record

MOST: Final = 10_000
_Key = tuple[str, int | None, int | None, int | None, str]

_log = structlog.get_logger(__name__)
_lock = threading.Lock()
_open: dict[_Key, _Sum] = {}


@dataclass(slots=True)
class _Sum:
    actor: Accountable
    action: str
    requests: int = 0
    items: int = 0

    def write(self) -> None:
        record(actor=self.actor, action=self.action, requests=self.requests, items=self.items)


def tally(*, actor: Accountable, action: str, items: int) -> None:
    """Count one request with this many items for the actor, its address and the action."""
    key = (action, actor.organisation_id, actor.user_id, actor.client_id, actor.address)
    with _lock:
        if not _open:
            _write_later()
        one = _open.setdefault(key, _Sum(actor, action))
        one.requests += 1
        one.items += items
        full = one.items >= MOST or not settings.AUDIT_TALLY_SECONDS
        if full:
            del _open[key]
    if full:
        one.write()


def write_tallies() -> None:
    """Write all sums that wait. What the database does not take now waits on, and keeps no other sum waiting."""
    with _lock:
        waiting = list(_open.items())
        _open.clear()
    kept: list[tuple[_Key, _Sum]] = []
    while waiting:
        key, one = waiting.pop()
        try:
            with transaction.atomic():
                one.write()
        except DatabaseError as error:
            _log.warning("audit_sums_wait", error=type(error).__name__)
            kept.append((key, one))
            if isinstance(error, OperationalError):  # the database itself: the others would fail as well
                break
    if kept:
        _put_back([*waiting, *kept])


def _put_back(waiting: list[tuple[_Key, _Sum]]) -> None:
    with _lock:
        if not _open:
            _write_later()
        for key, old in waiting:
            one = _open.setdefault(key, _Sum(old.actor, old.action))
            one.requests += old.requests
            one.items += old.items


def _write_later() -> None:
    """Called for the first sum that waits."""
    if settings.AUDIT_TALLY_SECONDS:
        timer = threading.Timer(settings.AUDIT_TALLY_SECONDS, _write_beside)
        timer.daemon = True
        timer.start()


def _write_beside() -> None:
    """In a thread of its own, so with a connection of its own."""
    try:
        write_tallies()
    finally:
        connection.close()


@atexit.register
def _write_at_the_end() -> None:
    if _open:
        write_tallies()
