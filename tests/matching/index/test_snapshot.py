"""The file of an index: what it gives back, and everything that is not one refused."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest

from sharing.management.hashes import uniform
from sharing.matching.index.bands import codes_of
from sharing.matching.index.engine import ENGINE
from sharing.matching.index.snapshot import HEADER, Origin, Refused, open_snapshot, path_of, write_snapshot

ORIGIN = Origin("pdq", 256, "cluster/1/5/77", 4_321, 1_700_000_000.0)
ROWS = 3_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(path_of(tmp_path, "pdq"))
    return path_of(tmp_path, "pdq")


def write(path: Path, *, rows: int = ROWS, first_id: int = 10**12) -> None:
    codes = codes_of(uniform(rows, 32).tobytes(), 256)
    ids = np.arange(first_id, first_id + rows, dtype=np.int64)
    write_snapshot(path, ORIGIN, ids=ids, codes=codes, engine=ENGINE)


def test_gives_back_what_was_written(path: Path) -> None:
    snapshot = open_snapshot(path)
    assert snapshot.origin == ORIGIN
    assert len(snapshot) == ROWS
    query = codes_of(uniform(ROWS, 32)[1_234].tobytes(), 256)
    hits = ENGINE.search(snapshot.tables, query, 31)
    assert [snapshot.first_id + int(snapshot.ids[row]) for row in hits.rows] == [10**12 + 1_234]
    assert list(path.parent.iterdir()) == [path]


def test_an_index_of_nothing_finds_nothing(tmp_path: Path) -> None:
    write(path_of(tmp_path, "pdq"), rows=0)
    snapshot = open_snapshot(path_of(tmp_path, "pdq"))
    assert len(ENGINE.search(snapshot.tables, codes_of(bytes(32), 256), 31).rows) == 0


def test_nobody_can_change_what_is_shared(path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        open_snapshot(path).tables.codes[0, 0] = 1


def test_whoever_has_the_old_file_keeps_it_until_the_new_one_is_taken(path: Path) -> None:
    old = open_snapshot(path)
    write(path, rows=10)
    assert len(old) == ROWS
    assert int(old.tables.codes.sum()) > 0
    assert len(open_snapshot(path)) == 10


@pytest.mark.parametrize("place", ["magic", "header", "first byte", "middle", "last byte"])
def test_a_changed_byte_is_refused(path: Path, place: str) -> None:
    data = bytearray(path.read_bytes())
    end = max(at for at, byte in enumerate(data) if byte)
    data[{"magic": 0, "header": 40, "first byte": HEADER, "middle": len(data) // 2, "last byte": end}[place]] ^= 1
    path.write_bytes(data)
    with pytest.raises(Refused):
        open_snapshot(path)


@pytest.mark.parametrize("length", [0, 1, HEADER - 1, HEADER, HEADER + 64, -64])
def test_a_cut_file_is_refused(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(Refused):
        open_snapshot(path)


@pytest.mark.parametrize("foreign", [bytes(100_000), b"%PDF-1.7\n" * 10_000, b"HUB-MIH\n" + b"\xff" * 10_000])
def test_a_foreign_file_is_refused(path: Path, foreign: bytes) -> None:
    path.write_bytes(foreign)
    with pytest.raises(Refused):
        open_snapshot(path)


def test_a_file_without_its_header_is_not_finished(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes(HEADER) + data[HEADER:])
    with pytest.raises(Refused, match="not finished"):
        open_snapshot(path)


def test_no_space_leaves_the_old_one_in_place(path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            write(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(open_snapshot(path)) == ROWS
