"""The near index of one process (floor 4): the host's snapshot, and every row that was committed since.

Nothing here waits for a snapshot: rows past its horizon are read from the database by each query. Rows that can change
no more are kept, so that each query reads only the newest; the rest is what open transactions might still add to.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from sharing import signal_types
from sharing.matching.index.bands import Words, codes_of
from sharing.matching.index.contract import Neighbour, Reach
from sharing.matching.index.engine import ENGINE, Engine
from sharing.matching.index.linear import LinearScan
from sharing.matching.index.snapshot import Refused, Snapshot, identity_of, open_snapshot, path_of
from sharing.matching.index.stored import filenode_here, rows_beyond

log = structlog.get_logger(__name__)

# Rows past the snapshot that a process is willing to keep: 32 bytes each, compared one by one with each query.
MAX_TAIL: Final = 250_000

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tail:
    """Rows past the snapshot's horizon."""

    ids: Ids
    transactions: Ids
    codes: Words

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, wanted: NDArray[np.bool_]) -> Tail:
        return self if wanted.all() else Tail(self.ids[wanted], self.transactions[wanted], self.codes[wanted])

    def with_more(self, more: Tail) -> Tail:
        if not len(more):
            return self
        return Tail(
            np.concatenate([self.ids, more.ids]),
            np.concatenate([self.transactions, more.transactions]),
            np.concatenate([self.codes, more.codes]),
        )


@dataclass(frozen=True, slots=True)
class View:
    """What a process knows of one type. Never changed, only replaced: a thread may go on with the one it took."""

    incarnation: str
    snapshot: Snapshot | None
    tail: Tail
    horizon: int  # all rows of earlier transactions are in the snapshot or in the tail

    # Whether open transactions might add to what was read last: then each answer has to be asked for anew.
    unsettled: bool = False

    @property
    def reaches(self) -> int:
        """The snapshot's horizon; 0 without one."""
        return self.snapshot.origin.horizon if self.snapshot else 0

    def with_snapshot(self, snapshot: Snapshot) -> View:
        """The tail then begins at the new snapshot's horizon.

        An older snapshot is left alone: what lies between the two would be in neither.
        """
        if snapshot.origin.horizon < self.reaches:
            return self
        kept = self.tail.where(self.tail.transactions >= snapshot.origin.horizon)
        horizon = max(self.horizon, snapshot.origin.horizon)
        return View(snapshot.origin.incarnation, snapshot, kept, horizon, self.unsettled)


class TypeIndex:
    """The index of one signal type."""

    def __init__(self, folder: Path, signal_type: str, engine: Engine = ENGINE) -> None:
        near = signal_types.get(signal_type).near
        assert near is not None
        self._type = signal_type
        self._bits = near.bits
        self._path = path_of(folder, signal_type)
        self._engine = engine
        self._view: View | None = None
        self._file: tuple[int, int] | None = None  # the file that was opened last, good or bad
        self._opening = threading.Lock()
        self._publishing = threading.Lock()

    def neighbours(self, values: Sequence[bytes], threshold: int) -> list[list[Neighbour]]:
        if not values:
            return []
        self._look_for_a_newer_file()
        caught_up = self._caught_up()
        if caught_up is None:
            log.warning("index.too_far_behind", signal_type=self._type, tail=MAX_TAIL)
            return LinearScan().neighbours(self._type, values, threshold)
        view, provisional = caught_up
        return self._search(view.snapshot, view.tail.with_more(provisional), values, threshold)

    def known(self, values: Sequence[bytes], threshold: int) -> tuple[list[list[Neighbour]], Reach] | None:
        view = self._view
        filenode = filenode_here(view.incarnation) if view and not view.unsettled else None
        if view is None or filenode is None:
            return None
        self._look_for_a_newer_file()
        found = self._search(view.snapshot, view.tail, values, threshold)
        return found, Reach(self._type, view.horizon, filenode)

    def _search(
        self, snapshot: Snapshot | None, tail: Tail, values: Sequence[bytes], threshold: int
    ) -> list[list[Neighbour]]:
        found: list[list[Neighbour]] = [[] for _ in values]
        queries = codes_of(b"".join(values), self._bits)
        if snapshot is not None:
            hits = self._engine.search(snapshot.tables, queries, threshold)
            ids = snapshot.ids[hits.rows].astype(np.int64) + snapshot.first_id
            _collect(found, hits.queries, ids, hits.distances)
        if len(tail):
            hits = self._engine.scan(tail.codes, queries, threshold)
            _collect(found, hits.queries, tail.ids[hits.rows], hits.distances)
        return found

    def _caught_up(self) -> tuple[View, Tail] | None:
        """All that is committed now: a view, and the rows beyond it to which open transactions may still add.

        None when more rows lie past the snapshot than one process should keep: there is no snapshot yet.
        """
        view = self._view
        while True:
            beyond = rows_beyond(self._type, view.horizon if view else 0, MAX_TAIL + 1)
            if view is not None and view.incarnation == beyond.incarnation:
                break
            view = self._first_view(beyond.incarnation)
        if len(beyond.ids) > MAX_TAIL:
            return None
        rows = Tail(beyond.ids, beyond.transactions, codes_of(beyond.values, self._bits))
        settled = rows.transactions < beyond.horizon
        tail = view.tail.with_more(rows.where(settled))
        horizon = max(view.horizon, beyond.horizon)
        view = self._keep(replace(view, tail=tail, horizon=horizon, unsettled=not settled.all()))
        # A snapshot that was taken just now may hold some of these already.
        return view, rows.where(~settled & (rows.transactions >= view.reaches))

    def _first_view(self, incarnation: str) -> View:
        """With the snapshot that lies there, if it is of this database."""
        empty = Tail(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, self._bits // 64), np.uint64))
        view = View(incarnation, None, empty, 0)
        snapshot = self._open(incarnation)
        return view if snapshot is None else view.with_snapshot(snapshot)

    def _keep(self, view: View) -> View:
        """Make this the view of the process. A snapshot that another thread opened meanwhile is not lost again."""
        with self._publishing:
            known = self._view
            if known and known.snapshot and known.incarnation == view.incarnation and known.reaches > view.reaches:
                view = view.with_snapshot(known.snapshot)
            self._view = view
        return view

    def _look_for_a_newer_file(self) -> None:
        """Open it beside the work: checking every byte of a large one takes a second."""
        view = self._view
        if view is None or identity_of(self._path) in {None, self._file}:
            return
        if self._opening.acquire(blocking=False):
            threading.Thread(target=self._adopt, args=(view.incarnation,), daemon=True).start()

    def _adopt(self, incarnation: str) -> None:
        try:
            snapshot = self._open(incarnation)
            view = self._view
            if snapshot is not None and view and view.incarnation == incarnation:
                self._keep(view.with_snapshot(snapshot))
        finally:
            self._opening.release()

    def _open(self, incarnation: str) -> Snapshot | None:
        self._file = identity_of(self._path)
        try:
            snapshot = open_snapshot(self._path)
        except FileNotFoundError:
            return None
        except Refused as refusal:
            log.error("index.refused", signal_type=self._type, reason=str(refusal))
            # Gone, so that it is built anew; the data is in the database.
            with contextlib.suppress(OSError):
                self._path.unlink()
            return None
        if snapshot.origin.incarnation != incarnation:
            log.warning("index.of_another_database", signal_type=self._type)
            return None
        return snapshot


def _collect(found: list[list[Neighbour]], queries: NDArray[np.int64], ids: Ids, distances: NDArray[np.uint16]) -> None:
    for query, indicator_id, distance in zip(queries.tolist(), ids.tolist(), distances.tolist(), strict=True):
        found[query].append(Neighbour(indicator_id, distance))


class SnapshotIndex:
    """NearIndex over all types of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._types: dict[str, TypeIndex] = {}

    @classmethod
    @cache
    def of(cls, folder: str) -> SnapshotIndex:
        """One for each folder in the life of a process: what it knows is kept."""
        return cls(Path(folder))

    def neighbours(self, signal_type: str, values: Sequence[bytes], threshold: int) -> list[list[Neighbour]]:
        return self._of(signal_type).neighbours(values, threshold)

    def known(
        self, signal_type: str, values: Sequence[bytes], threshold: int
    ) -> tuple[list[list[Neighbour]], Reach] | None:
        return self._of(signal_type).known(values, threshold)

    def _of(self, signal_type: str) -> TypeIndex:
        index = self._types.get(signal_type)
        return index or self._types.setdefault(signal_type, TypeIndex(self._folder, signal_type))
