"""Keeping a copy: each page of the feed and its cursor are one transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec

from hub_client.answers import FeedEntry, FeedPage, Signal, StoredIndicator
from hub_client.errors import BadCopy, UnexpectedAnswer
from hub_client.private_files import make_private
from hub_client.signal_types import NEAR, get
from hub_client.words import MOST_PERCENT

from .file import Owner, opened_to_write, owner_of, told, transaction

_SWEPT_AT_ONCE: Final = 10_000
_LEFT: Final = "SELECT id FROM signal WHERE build NOT IN (SELECT build FROM copy UNION SELECT shown FROM copy) LIMIT ?"


class _Content(NamedTuple):
    """What of a signal is kept in columns of its own."""

    expires_at: float
    indicators: list[tuple[str, bytes, int | None]]  # type, value, quality


class Applied(NamedTuple):
    """What a page did: signals that came or changed, those that went, and how many more there are now."""

    changed: int
    removed: int
    grown: int


class CopyWriter:
    """The one who writes a copy; a second one is refused. Use it in a `with` statement. Raises BadCopy."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = _locked(path)
        try:
            self._database = opened_to_write(path)
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._database.close()
        self._lock.close()

    def belong(self, owner: Owner) -> None:
        """Note what the copy is of. Raises BadCopy as `check` does."""
        self.check(owner)
        row = owner.hub, owner.organisation, ",".join(owner.types), owner.group
        with told(self.path), transaction(self._database):
            self._database.execute("UPDATE copy SET hub=?, organisation=?, types=?, sharing_group=?", row)

    def check(self, owner: Owner) -> None:
        """Raises BadCopy if the copy is of something else: nothing in it would be right."""
        with told(self.path):
            kept = owner_of(self._database)
        if not kept.hub or kept == owner:
            return
        if kept.hub != owner.hub:
            message = f"{self.path} is a copy of {kept.hub}, not of {owner.hub}."
        elif kept.organisation != owner.organisation:
            message = f"{self.path} is {kept.organisation}'s copy, and this key is {owner.organisation}'s."
        else:
            message = f"{self.path} is narrowed to {kept.narrowed}, not to {owner.narrowed}."
        raise BadCopy(message, "Name another file with --db.")

    def keep_thresholds(self, bits: Mapping[str, int]) -> None:
        """By which look-ups count as near: the hub's, as it publishes them."""
        with told(self.path), transaction(self._database):
            self._database.execute("UPDATE copy SET thresholds = ?", (msgspec.json.encode(dict(bits)).decode(),))

    @property
    def cursor(self) -> str:
        """Where to go on; empty at the beginning."""
        with told(self.path):
            cursor: str = self._database.execute("SELECT cursor FROM copy").fetchone()[0]
        return cursor

    def count(self) -> int:
        """Signals of the build that is being read."""
        with told(self.path):
            row = self._database.execute("SELECT count(*) FROM signal, copy WHERE signal.build = copy.build")
            counted: int = row.fetchone()[0]
        return counted

    def apply(self, page: FeedPage) -> Applied:
        """Store a page and its cursor; at the end of the feed, show what was read."""
        last = {entry.id: entry for entry in page.entries}  # a later entry of the same signal counts
        upserts = [(entry, _content(entry)) for entry in last.values() if entry.change == "upsert"]
        with told(self.path), transaction(self._database):
            (build,) = self._database.execute("SELECT build FROM copy").fetchone()
            replaced = self._forget(build, [entry.id for entry, _content in upserts])
            gone = self._forget(build, [entry.id for entry in last.values() if entry.change != "upsert"])
            self._add(build, upserts)
            self._database.execute(
                "UPDATE copy SET cursor = ?, changes = changes + ?", (page.cursor, 1 if page.entries else 0)
            )
            if not page.more:
                self._database.execute(
                    "UPDATE copy SET changes = changes + (shown <> build), shown = build, ended_at = ?", (time.time(),)
                )
        return Applied(len(upserts), gone, len(upserts) - replaced - gone)

    def _forget(self, build: int, ids: list[str]) -> int:
        rows = [(build, uuid) for uuid in ids]
        self._database.executemany(
            "DELETE FROM indicator WHERE signal = (SELECT id FROM signal WHERE build = ? AND uuid = ?)", rows
        )
        gone = self._database.executemany("DELETE FROM signal WHERE build = ? AND uuid = ?", rows).rowcount
        return max(gone, 0)  # -1 if nothing was asked

    def _add(self, build: int, upserts: list[tuple[FeedEntry, _Content]]) -> None:
        (last,) = self._database.execute("SELECT coalesce(max(id), 0) FROM signal").fetchone()
        numbered = list(enumerate(upserts, start=last + 1))
        self._database.executemany(
            "INSERT INTO signal VALUES (?, ?, ?, ?, ?)",
            (
                (number, build, entry.id, content.expires_at, bytes(entry.signal))
                for number, (entry, content) in numbered
            ),
        )
        self._database.executemany(
            "INSERT OR REPLACE INTO indicator VALUES (?, ?, ?, ?, ?)",
            (
                (build, name, value, number, quality)
                for number, (_entry, content) in numbered
                for name, value, quality in content.indicators
            ),
        )

    def begin_anew(self) -> None:
        """Read everything again beside what is shown, which stays until all was read."""
        with told(self.path), transaction(self._database):
            self._database.execute("UPDATE copy SET build = max(build, shown) + 1, cursor = ''")

    def sweep(self) -> None:
        """Delete what belongs to no build any more, in steps: nobody waits, and a kill leaves the rest to the next."""
        left = True
        while left:
            with told(self.path), transaction(self._database):
                found = self._database.execute(_LEFT, (_SWEPT_AT_ONCE,)).fetchall()
                self._database.executemany("DELETE FROM indicator WHERE signal = ?", found)
                self._database.executemany("DELETE FROM signal WHERE id = ?", found)
            left = bool(found)


def _content(entry: FeedEntry) -> _Content:
    """Refused here, for in the copy it would spoil every look-up."""
    try:
        signal = msgspec.json.decode(entry.signal, type=Signal)
        indicators = [(item.type, _value(item), item.quality) for item in signal.indicators]
        return _Content(signal.expires_at.timestamp(), indicators)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        raise UnexpectedAnswer("The feed holds what this client can't read.", "Update the client.") from None


def _value(item: StoredIndicator) -> bytes:
    value = bytes.fromhex(item.value)
    if item.type in NEAR and len(value) != get(item.type).size:
        raise ValueError
    if item.quality is not None and not 0 <= item.quality <= MOST_PERCENT:
        raise ValueError
    return value


def _locked(path: Path) -> sqlite3.Connection:
    """A lock that ends with the process, however that ends. Beside the copy, so that readers never wait for it."""
    beside = path.with_name(f"{path.name}.lock")
    with told(beside):
        make_private(beside)
    lock = sqlite3.connect(beside, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("PRAGMA journal_mode = MEMORY")  # nothing is ever written
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        lock.close()
        message = f"Another sync is writing {path}."
        raise BadCopy(message, "Wait until it has ended, or name another file with --db.") from None
    except sqlite3.DatabaseError:
        lock.close()
        raise BadCopy(f"{beside} is no lock of a copy.", "Delete it, or name another file with --db.") from None
    return lock
