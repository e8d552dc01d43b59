"""The file of a copy: its form, how it is opened, and whose it is.

A copy is an SQLite file. Its rows belong to a build: the one that is shown, and, while all is read anew, the one that
grows beside it. So nobody ever sees half a copy, and one update of one row puts the new one in place of the old.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from hub_client.errors import BadCopy
from hub_client.private_files import make_private, refuse_open_to_others, state_folder

APPLICATION_ID: Final = 0x48554243  # "HUBC", as `file` and SQLite's own tools read it
VERSION: Final = 1
_WAIT_SECONDS: Final = 10.0

_SCHEMA: Final = (
    # One row. `shown` is 0 until all was read once; `build` is the one that the cursor belongs to. `changes` counts
    # transactions that changed what is shown.
    """CREATE TABLE copy (
         only INTEGER PRIMARY KEY CHECK (only = 1),
         hub TEXT NOT NULL DEFAULT '', organisation TEXT NOT NULL DEFAULT '',
         types TEXT NOT NULL DEFAULT '', sharing_group TEXT NOT NULL DEFAULT '',
         build INTEGER NOT NULL DEFAULT 1, shown INTEGER NOT NULL DEFAULT 0, cursor TEXT NOT NULL DEFAULT '',
         changes INTEGER NOT NULL DEFAULT 0, thresholds TEXT NOT NULL DEFAULT '{}', ended_at REAL
       ) STRICT""",
    "INSERT INTO copy (only) VALUES (1)",
    # `content` is the signal in JSON, as GET /signals/{id} gives it.
    """CREATE TABLE signal (
         id INTEGER PRIMARY KEY, build INTEGER NOT NULL, uuid TEXT NOT NULL, expires_at REAL NOT NULL,
         content BLOB NOT NULL, UNIQUE (build, uuid)
       ) STRICT""",
    # In the order in which look-ups ask: one value, or all values of a type.
    """CREATE TABLE indicator (
         build INTEGER NOT NULL, type TEXT NOT NULL, value BLOB NOT NULL, signal INTEGER NOT NULL, quality INTEGER,
         PRIMARY KEY (build, type, value, signal)
       ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX indicator_of_signal ON indicator (signal)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)


class Owner(msgspec.Struct, frozen=True):
    """What a copy is of: this hub as this organisation sees it, narrowed to types and a group."""

    hub: str
    organisation: str
    types: tuple[str, ...] = ()
    group: str = ""

    @property
    def narrowed(self) -> str:
        parts = (f"types {','.join(self.types)}" if self.types else "", f"group {self.group}" if self.group else "")
        return " and ".join(filter(None, parts)) or "nothing"


class CopyState(msgspec.Struct, frozen=True):
    """`ended_at` is when the feed was last read to its end; None while that never was, and nothing is shown."""

    owner: Owner
    signals: int
    ended_at: datetime | None
    thresholds: dict[str, int]


def copy_file(url: str, types: tuple[str, ...] = (), group: str = "") -> Path:
    """Where the copy of this hub is kept if no file is named."""
    name = hashlib.sha256("\n".join((hub_name(url), *sorted(set(types)), "", group)).encode()).hexdigest()[:16]
    return state_folder() / f"copy-{name}.sqlite"


def hub_name(url: str) -> str:
    """The same for every way to write one address."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{(parts.hostname or '').lower()}{port}{parts.path.rstrip('/')}"


def opened_to_write(path: Path) -> sqlite3.Connection:
    """The file, made if there is none. Raises BadCopy."""
    with told(path):
        make_private(path)
        database = _connected(path)
        try:
            if not _has_form(database, path):
                database.execute("PRAGMA journal_mode = WAL")
                _make(database)
            # Each page is whole or absent, with its cursor, after a power cut too; the last ones may be read again.
            database.execute("PRAGMA synchronous = NORMAL")
            # What you may not see any more does not stay in free pages of the file.
            database.execute("PRAGMA secure_delete = ON")
        except BaseException:
            database.close()
            raise
    return database


def opened_to_read(path: Path) -> sqlite3.Connection:
    """The same for who changes nothing: not even an empty file is made."""
    with told(path):
        if not path.is_file():
            raise BadCopy(f"There is no copy {path}.", "Make it with `hub-client sync`.")
        database = _connected(path)
        try:
            if not _has_form(database, path):
                raise BadCopy(f"The copy {path} is empty.", "Run `hub-client sync` until it ends.")
            database.execute("PRAGMA query_only = ON")
        except BaseException:
            database.close()
            raise
    return database


def _connected(path: Path) -> sqlite3.Connection:
    refuse_open_to_others("copy", path, path.stat(), error=BadCopy)
    address = f"{path.resolve().as_uri()}?mode=rw"
    # Used by one thread at a time, but in asyncio not always the same.
    return sqlite3.connect(address, uri=True, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)


def _has_form(database: sqlite3.Connection, path: Path) -> bool:
    """False for an empty file: nothing was written yet, or the process that made it was killed."""
    made_by, version = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if made_by == APPLICATION_ID and version == VERSION:
        if database.execute("SELECT count(*) FROM copy").fetchone() != (1,):
            raise damaged(path)
        return True
    if made_by == APPLICATION_ID:
        mend = f"Delete {path} and sync again, or use the version that made it."
        raise BadCopy(f"{path} was made by another version of this program (its form is {version}).", mend)
    if made_by or version or database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise BadCopy(f"{path} is a database of something else, and stays as it is.", "Name another file with --db.")
    return False


def _make(database: sqlite3.Connection) -> None:
    with transaction(database):
        for statement in _SCHEMA:
            database.execute(statement)


@contextmanager
def transaction(database: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """All or nothing, wherever the process ends."""
    database.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


_TOLD: Final = {
    sqlite3.SQLITE_FULL: ("The disk is full.", "Make room; nothing is lost, and the next sync goes on from here."),
    sqlite3.SQLITE_READONLY: ("It can't be written.", "Check the rights of file and folder."),
    sqlite3.SQLITE_CANTOPEN: ("It can't be opened.", "Check the rights of file and folder."),
    sqlite3.SQLITE_BUSY: ("Another program holds it.", "Wait until that has ended."),
    sqlite3.SQLITE_LOCKED: ("Another program holds it.", "Wait until that has ended."),
    sqlite3.SQLITE_IOERR: ("It can't be read or written.", "Check the disk, and that it is one of this machine."),
}
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


def damaged(path: Path) -> BadCopy:
    return BadCopy(f"The copy {path} can't be used. It is damaged, or no copy.", f"Delete {path} and sync again.")


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What goes wrong with the file, as BadCopy with its mend."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", -1) & 0xFF  # the other bytes say more closely where
        if code in _DAMAGED:
            raise damaged(path) from None
        if code in _TOLD:
            message, mend = _TOLD[code]
        else:
            raise  # a defect of this program: the file is not at fault
        raise BadCopy(f"The copy {path} can't be used. {message}", mend) from None
    except (msgspec.DecodeError, RecursionError):
        raise damaged(path) from None
    except OSError as error:
        raise BadCopy(f"The copy {path} can't be used: {error.strerror}.", "Check folder, disk and rights.") from None


def owner_of(database: sqlite3.Connection) -> Owner:
    """What the copy is of; an address of no letters while nothing was noted."""
    row = database.execute("SELECT hub, organisation, types, sharing_group FROM copy").fetchone()
    hub, organisation, types, group = row
    return Owner(hub, organisation, tuple(types.split(",")) if types else (), group)


def state_of(database: sqlite3.Connection) -> CopyState:
    shown, ended_at, thresholds = database.execute("SELECT shown, ended_at, thresholds FROM copy").fetchone()
    (signals,) = database.execute("SELECT count(*) FROM signal WHERE build = ?", (shown,)).fetchone()
    ended = datetime.fromtimestamp(ended_at, UTC) if shown and ended_at is not None else None
    bits = msgspec.json.decode(thresholds, type=dict[str, int])
    return CopyState(owner_of(database), signals, ended, bits)
