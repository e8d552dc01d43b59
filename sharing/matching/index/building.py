"""Keeping a host's snapshots new (floor 4): built from PostgreSQL beside the work, published when they are whole."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from sharing import signal_types
from sharing.matching.index.bands import codes_of
from sharing.matching.index.engine import ENGINE, Engine
from sharing.matching.index.snapshot import Origin, Refused, identity_of, open_snapshot, path_of, write_snapshot
from sharing.matching.index.stored import count_beyond, rows_up_to_now

log = structlog.get_logger(__name__)

# A snapshot is built anew when that many rows lie past it: these, and a share of its own rows.
TAIL_ROWS: Final = 5_000
TAIL_SHARE: Final = 0.02
# ... or when it is that old, in seconds, and any row lies past it.
MAX_AGE: Final = 3_600


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file whose every byte has been checked: not again until another one takes its place."""

    identity: tuple[int, int]
    origin: Origin
    rows: int


class Builder:
    """Keeps the snapshots of one folder new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checked: dict[str, _Checked] = {}

    def build_if_due(self, signal_type: str) -> bool:
        """Build the snapshot of a type anew if it is missing, damaged, of another database, or far behind.

        Returns whether one was built. One process at a time builds; another one that comes finds the work taken.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with only_builder(self._folder, signal_type) as alone:
            if not alone or not self._is_due(signal_type):
                return False
            build(self._folder, signal_type)
        return True

    def _is_due(self, signal_type: str) -> bool:
        existing = self._existing(signal_type)
        horizon, rows = (existing.origin.horizon, existing.rows) if existing else (0, 0)
        most = TAIL_ROWS + int(rows * TAIL_SHARE)
        incarnation, beyond = count_beyond(signal_type, horizon, most)
        if existing is None:
            return beyond >= most
        if existing.origin.incarnation != incarnation:
            return True
        return beyond >= most or (beyond > 0 and time.time() - existing.origin.made_at > MAX_AGE)

    def _existing(self, signal_type: str) -> _Checked | None:
        path = path_of(self._folder, signal_type)
        identity = identity_of(path)
        known = self._checked.get(signal_type)
        if identity is None or (known and known.identity == identity):
            return known if identity else None
        try:
            snapshot = open_snapshot(path)
        except FileNotFoundError:
            return None
        except Refused as refusal:
            log.error("index.refused", signal_type=signal_type, reason=str(refusal))
            path.unlink(missing_ok=True)
            return None
        self._checked[signal_type] = checked = _Checked(identity, snapshot.origin, len(snapshot))
        return checked


def build(folder: Path, signal_type: str, engine: Engine = ENGINE) -> None:
    """Build and publish. Raises OSError, for example on a full disk; the old snapshot then stays."""
    began = time.monotonic()
    kind = signal_types.get(signal_type)
    assert kind.near is not None
    whole = rows_up_to_now(signal_type, kind.size)
    origin = Origin(signal_type, kind.near.bits, whole.incarnation, whole.horizon, time.time())
    codes = codes_of(whole.values, kind.near.bits)
    path = path_of(folder, signal_type)
    write_snapshot(path, origin, ids=whole.ids, codes=codes, engine=engine)
    for other_version in set(folder.glob(f"{signal_type}.v*.mih")) - {path}:
        other_version.unlink(missing_ok=True)
    log.info("index.built", signal_type=signal_type, rows=len(whole.ids), seconds=round(time.monotonic() - began, 2))


@contextmanager
def only_builder(folder: Path, signal_type: str) -> Iterator[bool]:
    """Whether this process may build now; what a killed builder left unfinished is then gone.

    The kernel gives the lock back when a builder is killed.
    """
    handle = os.open(folder / f"{signal_type}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        for left in folder.glob(f"{signal_type}.*.unfinished"):
            left.unlink()
        yield True
    finally:
        os.close(handle)
