"""What of a source has been sent: kept in a small file, so that an upload goes on where it ended.

The file holds digests of rows and the ids that the hub gave; it is closed to others.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from .errors import BadSetting
from .private_files import make_private, state_folder


def state_file(url: str, source: Path) -> Path:
    """Where the state of this source is kept, for this hub."""
    name = hashlib.sha256(f"{url}\n".encode() + os.fsencode(source.resolve())).hexdigest()[:16]
    return state_folder() / f"submit-{name}.sqlite"


class Sent:
    """The digests of rows that the hub has stored. One process at a time may have it open. Raises BadSetting."""

    def __init__(self, path: Path) -> None:
        self.path = path
        make_private(path)
        self._database = sqlite3.connect(path, timeout=0.5, isolation_level=None)
        try:
            # A second process would send the same rows.
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("CREATE TABLE IF NOT EXISTS sent (digest TEXT PRIMARY KEY, signal TEXT NOT NULL)")
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("COMMIT")
        except sqlite3.OperationalError:
            self._database.close()
            raise BadSetting("This source is being submitted already.", "Wait until that has ended.") from None
        except sqlite3.DatabaseError:
            self._database.close()
            raise BadSetting(f"{path} is no state of an upload.", "Delete it, or name another with --state.") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._database.close()

    def __contains__(self, digest: str) -> bool:
        found = self._database.execute("SELECT 1 FROM sent WHERE digest = ?", (digest,)).fetchone()
        return found is not None

    def add(self, rows: Iterable[tuple[str, str]]) -> None:
        """Digests and ids of rows that the hub has stored; on the disk when this returns."""
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany("INSERT OR REPLACE INTO sent VALUES (?, ?)", rows)
        self._database.execute("COMMIT")

    def forget(self) -> None:
        self._database.execute("DELETE FROM sent")
