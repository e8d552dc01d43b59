"""Where a reader is in its feed, and the sealed word that says so (floor 5).

A feed is one line for each reader. On it lie the signals that reach it, at (transaction, id), and the groups that it
gained or lost, each after the signals of the same transaction. A group is passed by walking through its signals by id.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from hub.cursors import seal_bytes, unseal_bytes
from hub.errors import Gone, Invalid, Problem

LAST_ID: Final = 2**63 - 1
_LIST: Final = "feed"
_HOUR: Final = 3_600
_FORM: Final = struct.Struct(">QQQQ8s4s4sI")
MEND: Final = "Read everything again: leave the cursor out, and drop what you have and are not sent anew."


@dataclass(frozen=True, slots=True)
class Filters:
    """What a feed is narrowed to: signals that hold one of these types, signals of one sharing group."""

    types: tuple[str, ...] = ()
    group_id: int | None = None

    @property
    def types_mark(self) -> bytes:
        return _mark(sorted(set(self.types)))

    @property
    def group_mark(self) -> bytes:
        return _mark([] if self.group_id is None else [str(self.group_id)])


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """On the line, all up to here is passed. With a `group`: that group is being walked through, up to `signal`."""

    xid: int = 0
    group: int = 0
    signal: int = 0

    @property
    def is_in_walk(self) -> bool:
        return self.group > 0 and self.signal < LAST_ID

    @property
    def last_signal(self) -> int:
        """Of those of this transaction, on the line itself."""
        return LAST_ID if self.group else self.signal


@dataclass(frozen=True, slots=True)
class Position:
    """`since` is the horizon at which the reader began: what was over before then it never had. `hour` is the last one,
    counted from 1970, of which it is certain that the reader had all there was."""

    since: int
    place: Place
    hour: int

    @classmethod
    def first(cls, horizon: int, now: float) -> Position:
        return cls(horizon, Place(), hour_of(now))

    def at(self, place: Place) -> Position:
        return replace(self, place=place)

    def at_the_end(self, horizon: int, now: float) -> Position:
        """Moves on once an hour only: whoever asks more often does not see whether others write."""
        if self.hour == hour_of(now):
            return self
        return replace(self, place=max(self.place, Place(horizon)), hour=hour_of(now))

    def sealed(self, reader: int, cluster: str, filters: Filters) -> str:
        place = self.place
        plain = _FORM.pack(
            self.since, place.xid, place.group, place.signal, _digest(cluster, 8),
            filters.types_mark, filters.group_mark, self.hour,
        )  # fmt: skip
        return seal_bytes(plain, rows=_LIST, reader=reader)


def hour_of(now: float) -> int:
    return int(now // _HOUR)


def opened(cursor: str, reader: int, cluster: str, filters: Filters, *, horizon: int, oldest: float) -> Position:
    """The position behind a cursor. Invalid when it is none of this reader's feed or belongs to other filters; Gone
    when it is of another database, or of a time before `oldest`, of which nothing is remembered any more."""
    plain = unseal_bytes(cursor, rows=_LIST, reader=reader)
    if plain is None or len(plain) != _FORM.size:
        raise Invalid([Problem("/cursor", "bad_cursor", "This is no cursor of this feed.", MEND)])
    since, xid, group, signal, known, types_mark, group_mark, hour = _FORM.unpack(plain)
    wrong = [
        Problem(f"/{name}", "other_filter", "The cursor was begun with another value.", _SAME)
        for name, mark, meant in (
            ("types", types_mark, filters.types_mark),
            ("group", group_mark, filters.group_mark),
        )
        if mark != meant
    ]
    if wrong:
        raise Invalid(wrong)
    # Of a database that was put back to an earlier state, or is another one: its transactions are other ones.
    if known != _digest(cluster, 8) or max(since, xid) > horizon:
        raise Gone(f"The hub's database was restored since. {MEND}")
    if (hour + 1) * _HOUR < oldest:
        raise Gone(f"This cursor is too old. {MEND}")
    return Position(since, Place(xid, group, signal), hour)


_SAME: Final = "Send it as in the first request, or begin anew without a cursor."


def _mark(words: Iterable[str]) -> bytes:
    return _digest(",".join(words), 4)


def _digest(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=size).digest()
