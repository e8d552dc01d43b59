"""Keeping a host's snapshots new (floor 4): built from PostgreSQL beside the work, published when they are whole."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog

from sharing import signal_types
from sharing.matching.index.bands import choose_bands, codes_of
from sharing.matching.index.engine import ENGINE, Engine
from sharing.matching.index.snapshot import Origin, Refused, Snapshot, open_snapshot, path_of, write_snapshot
from sharing.matching.index.stored import count_beyond, rows_up_to_now

log = structlog.get_logger(__name__)

# A snapshot is built anew when that many rows lie past it: these, and a share of its own rows.
TAIL_ROWS: Final = 5_000
TAIL_SHARE: Final = 0.02
# ... or when it is that old, in seconds, and any row lies past it.
MAX_AGE: Final = 3_600


def near_types() -> list[str]:
    """The signal types that are matched by nearness."""
    return [signal_type.name for signal_type in signal_types.ALL if signal_type.near is not None]


def build_if_due(folder: Path, signal_type: str) -> bool:
    """Build the host's snapshot of a type anew if it is missing, damaged, of another database, or far behind.

    Returns whether one was built. One process at a time builds; another one that comes finds the work taken.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_builder(folder, signal_type) as alone:
        if not alone or not _is_due(folder, signal_type):
            return False
        build(folder, signal_type)
    return True


def build(folder: Path, signal_type: str, engine: Engine = ENGINE) -> None:
    """Build and publish. Raises OSError, for example on a full disk; the old snapshot then stays."""
    began = time.monotonic()
    kind = signal_types.get(signal_type)
    assert kind.near is not None
    whole = rows_up_to_now(signal_type, kind.size)
    bands = choose_bands(kind.near.bits, kind.near.max_threshold, len(whole.ids))
    origin = Origin(signal_type, kind.near.bits, whole.incarnation, whole.horizon, time.time())
    codes = codes_of(whole.values, kind.near.bits)
    write_snapshot(path_of(folder, signal_type), origin, ids=whole.ids, codes=codes, bands=bands, engine=engine)
    log.info(
        "index.built", signal_type=signal_type, rows=len(whole.ids), bands=bands.count,
        seconds=round(time.monotonic() - began, 2),
    )  # fmt: skip


def _is_due(folder: Path, signal_type: str) -> bool:
    snapshot = _existing(folder, signal_type)
    horizon, rows = (snapshot.origin.horizon, len(snapshot)) if snapshot else (0, 0)
    most = TAIL_ROWS + int(rows * TAIL_SHARE)
    incarnation, beyond = count_beyond(signal_type, horizon, most)
    if snapshot is None:
        return beyond >= most
    if snapshot.origin.incarnation != incarnation:
        return True
    return beyond >= most or (beyond > 0 and time.time() - snapshot.origin.made_at > MAX_AGE)


def _existing(folder: Path, signal_type: str) -> Snapshot | None:
    path = path_of(folder, signal_type)
    try:
        return open_snapshot(path)
    except FileNotFoundError:
        return None
    except Refused as refusal:
        log.error("index.refused", signal_type=signal_type, reason=str(refusal))
        path.unlink(missing_ok=True)
        return None


@contextmanager
def _only_builder(folder: Path, signal_type: str) -> Iterator[bool]:
    """Whether this process may build now. The kernel gives the lock back when a builder is killed."""
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
