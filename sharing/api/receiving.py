"""Receiving a bulk upload (floor 7): lines in, pieces to the database, while the next ones are read.

Two things take time, reading and storing, and they happen on two processors: this one's, and the database's. A piece
is stored by a thread with a connection of its own while the next one is read here. Never more than these two are in
memory. The last piece, which may be the only one, is stored here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from django.db import connection

from accounts.actor import Actor
from accounts.services import asked_again
from hub.errors import Conflict, Invalid, Problem
from sharing.api.ndjson import LONGEST, Lines, digest_of, value_of
from sharing.api.serializers.quick import read_rows
from sharing.api.throttling import count_lines
from sharing.api.views.signals import reference_shown
from sharing.signals.bulk.services import (
    MAX_LINES,
    TAKEN_OVER,
    Hold,
    Kept,
    Piece,
    begin_upload,
    finish_upload,
    prepare_piece,
    store_piece,
)
from sharing.signals.rows import Row

PIECE_LINES: Final = 2_000
PIECE_BYTES: Final = 2_000_000
_OTHER_BODY: Final = (
    "This Idempotency-Key came with another body before: its lines differ from those that are stored under the key. "
    "Send the same body again, or use a new key."
)
_BROKE_OFF: Final = (
    "The body broke off before its end, or is not compressed as its header says. "
    "Whole lines that were read before are stored. Send the same body again with the same Idempotency-Key."
)
_HOW_FAR: Final = "GET /api/v1/signals/bulk with the same key tells how far it came."
_NO_LINES: Final = Problem("", "no_lines", "The body has no lines.", "Write one signal in each line.")
_TOO_MANY: Final = Problem(
    "",
    "too_many_lines",
    f"A body has at most {MAX_LINES} lines. Those are stored, and the rest is not.",
    "Send the rest in a body of its own, with another Idempotency-Key.",
)


def receive(*, actor: Actor, key: str, lines: Lines) -> Hold:
    """Store what is not stored yet of these lines. Raises what stopped it; all before that is stored."""
    hold = begin_upload(actor=actor, key=key, taken_over=lambda: lines.taken_over)
    seen: set[str] = set()
    number = 1
    for kept in hold.kept:
        _pass_by(kept, lines, seen)
        number += kept.lines
    if hold.finished and lines.take(1):
        raise Conflict(_OTHER_BODY)
    with _Storing(hold) as storing:
        while taken := lines.take(min(PIECE_LINES, MAX_LINES + 1 - number), PIECE_BYTES):
            count_lines(actor, len(taken))
            storing.store(_read(asked_again(actor), number, taken, seen), last=lines.ended)
            number += len(taken)
    _look_at_the_end(lines)
    if number == 1:
        raise Invalid([_NO_LINES])
    finish_upload(hold)
    return hold


def _look_at_the_end(lines: Lines) -> None:
    if lines.take(1):
        raise Invalid([_TOO_MANY])
    if lines.taken_over:
        raise Conflict(TAKEN_OVER)
    if lines.cut:
        raise Invalid([Problem("", "broken_off", _BROKE_OFF, _HOW_FAR)])


def _pass_by(kept: Kept, lines: Lines, seen: set[str]) -> None:
    """Lines that are stored: they must be the same, and their external_ids count as seen."""
    # The same lines have no more bytes than a piece may have, and others are not worth the memory.
    taken = lines.take(kept.lines, PIECE_BYTES + LONGEST)
    if len(taken) < kept.lines and lines.cut:
        _look_at_the_end(lines)
    if digest_of(taken) != kept.digest:
        raise Conflict(_OTHER_BODY)
    for place, line in enumerate(taken):
        if place not in kept.refused:
            external_id = value_of(line).get("external_id")
            if external_id is not None:
                seen.add(external_id.strip())


def _read(actor: Actor, first_line: int, lines: Sequence[bytes], seen: set[str]) -> Piece:
    values = [value_of(line) for line in lines]
    rows = list(_rows(values))
    prepared = prepare_piece(actor=actor, rows=rows, seen=seen)
    references = {place: reference_shown(values[place]) for place, row in enumerate(prepared) if isinstance(row, list)}
    return Piece(actor, first_line, prepared, digest_of(lines), references)


def _rows(values: Sequence[Any]) -> Iterator[Row]:
    read = read_rows(value for value in values if not isinstance(value, Problem))
    for value in values:
        yield [value] if isinstance(value, Problem) else next(read)


class _Storing:
    """Stores one piece after the other in a thread of its own. What went wrong there is raised at the next call."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._thread: ThreadPoolExecutor | None = None
        self._stored: Future[None] | None = None

    def store(self, piece: Piece, *, last: bool) -> None:
        self._wait()
        if last:
            store_piece(self._hold, piece)
            return
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="bulk")
        self._stored = self._thread.submit(store_piece, self._hold, piece)

    def _wait(self) -> None:
        if self._stored is not None:
            stored, self._stored = self._stored, None
            stored.result()

    def __enter__(self) -> _Storing:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            if self._thread is not None:
                self._thread.submit(_close)
                self._thread.shutdown()


def _close() -> None:
    """The connection of the thread that calls it."""
    connection.close()
