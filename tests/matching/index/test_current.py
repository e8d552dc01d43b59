"""The index of a process: the host's snapshot and what was committed since, whatever happens to either."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.db import connection, transaction

from sharing.management.hashes import uniform
from sharing.matching.index import building
from sharing.matching.index.building import Builder, build, only_builder
from sharing.matching.index.current import TypeIndex
from sharing.matching.index.snapshot import open_snapshot, path_of
from sharing.signals.indicators import Indicator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def index(tmp_path: Path) -> TypeIndex:
    return TypeIndex(tmp_path, "phash")


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path)


def store(first: int, rows: int) -> dict[bytes, int]:
    values = [bytes(value) for value in uniform(first + rows, 8)[first:]]
    made = Indicator.objects.bulk_create(Indicator(signal_type="phash", value=value) for value in values)
    return {bytes(row.value): row.pk for row in made}


def begin_anew() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE sharing_indicator RESTART IDENTITY CASCADE")


def found(index: TypeIndex, value: bytes) -> set[int]:
    """Those that are one bit away from the value, or less."""
    (neighbours,) = index.neighbours([bytes([value[0] ^ 1]) + value[1:]], 1)
    return {neighbour.indicator_id for neighbour in neighbours}


def finds_exactly(index: TypeIndex, stored: dict[bytes, int]) -> bool:
    return all(found(index, value) == {pk} for value, pk in stored.items())


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until, "it did not come to pass within 10 seconds"
        time.sleep(0.01)


def snapshot_rows(index: TypeIndex) -> int:
    view = index._view
    return len(view.snapshot) if view and view.snapshot else 0


def test_finds_rows_of_the_snapshot_and_of_the_tail(index: TypeIndex, tmp_path: Path) -> None:
    before = store(0, 200)
    build(tmp_path, "phash")
    since = store(200, 50)
    assert finds_exactly(index, before | since)
    assert snapshot_rows(index) == 200
    later = store(250, 50)
    assert finds_exactly(index, before | since | later)


def test_a_new_snapshot_is_taken_while_the_work_goes_on(index: TypeIndex, tmp_path: Path) -> None:
    stored = store(0, 100)
    build(tmp_path, "phash")
    assert finds_exactly(index, stored)
    stored |= store(100, 100)
    assert finds_exactly(index, stored)
    build(tmp_path, "phash")

    def taken() -> bool:
        assert finds_exactly(index, stored)
        return snapshot_rows(index) == 200

    wait_for(taken)
    assert index._view is not None
    assert len(index._view.tail) == 0


def test_a_transaction_that_commits_late_is_not_lost(index: TypeIndex, tmp_path: Path) -> None:
    """It began before the snapshot was made and before others that committed first."""
    inserted, go_on = threading.Event(), threading.Event()
    late: dict[bytes, int] = {}

    def slow_writer() -> None:
        with transaction.atomic():
            late.update(store(0, 10))
            inserted.set()
            assert go_on.wait(20)
        connection.close()

    writer = threading.Thread(target=slow_writer)
    writer.start()
    assert inserted.wait(20)
    quick = store(10, 50)
    build(tmp_path, "phash")
    assert finds_exactly(index, quick)
    assert all(found(index, value) == set() for value in late)
    go_on.set()
    writer.join()
    assert finds_exactly(index, late | quick)
    build(tmp_path, "phash")
    assert finds_exactly(TypeIndex(tmp_path, "phash"), late | quick)


def test_what_was_rolled_back_is_not_found(index: TypeIndex) -> None:
    with transaction.atomic():
        undone = store(0, 5)
        # A transaction sees its own rows; nothing of it is kept.
        assert finds_exactly(index, undone)
        transaction.set_rollback(True)
    assert all(found(index, value) == set() for value in undone)
    assert finds_exactly(index, store(5, 5))


def test_a_snapshot_of_other_rows_is_not_believed(index: TypeIndex, builder: Builder, tmp_path: Path) -> None:
    """After a restore the same ids may stand for other values."""
    begin_anew()
    gone = store(0, 100)
    build(tmp_path, "phash")
    assert finds_exactly(index, gone)
    begin_anew()
    stored = store(100, 50)
    assert set(stored.values()) < set(gone.values())
    for fresh in (index, TypeIndex(tmp_path, "phash")):
        assert all(found(fresh, value) == set() for value in gone)
        assert finds_exactly(fresh, stored)
    assert builder.build_if_due("phash")
    assert finds_exactly(TypeIndex(tmp_path, "phash"), stored)


def test_a_damaged_file_is_refused_removed_and_built_anew(
    index: TypeIndex, builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "TAIL_ROWS", 50)
    stored = store(0, 100)
    assert builder.build_if_due("phash")
    path = path_of(tmp_path, "phash")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    assert finds_exactly(index, stored)
    assert snapshot_rows(index) == 0
    assert not path.exists()
    assert builder.build_if_due("phash")
    assert len(open_snapshot(path)) == 100


def test_is_built_when_the_tail_has_grown_or_the_file_is_old(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "TAIL_ROWS", 100)
    store(0, 99)
    assert not builder.build_if_due("phash")
    store(99, 1)
    assert builder.build_if_due("phash")
    assert not builder.build_if_due("phash")
    store(100, 101)
    assert not builder.build_if_due("phash")
    store(201, 1)
    assert builder.build_if_due("phash")
    store(202, 1)
    assert not builder.build_if_due("phash")
    monkeypatch.setattr(building, "MAX_AGE", -1)
    assert builder.build_if_due("phash")
    assert not builder.build_if_due("phash")


def test_one_builds_and_clears_what_a_killed_one_left(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "TAIL_ROWS", 1)
    store(0, 10)
    left = tmp_path / "phash.v1.4711.unfinished"
    left.write_bytes(b"half")
    with only_builder(tmp_path, "phash") as alone:
        assert alone
        assert not builder.build_if_due("phash")
    left.write_bytes(b"half")
    assert builder.build_if_due("phash")
    assert not left.exists()


def test_a_new_snapshot_clears_those_of_other_versions_of_the_format(tmp_path: Path) -> None:
    store(0, 10)
    ours, old, of_another_type = path_of(tmp_path, "phash"), tmp_path / "phash.v0.mih", tmp_path / "pdq.v0.mih"
    for path in (old, of_another_type):
        path.write_bytes(b"old")
    build(tmp_path, "phash")
    assert sorted(tmp_path.iterdir()) == sorted([ours, of_another_type])


def test_without_a_snapshot_more_rows_than_a_process_keeps_are_still_all_found(
    index: TypeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sharing.matching.index.current.MAX_TAIL", 20)
    stored = store(0, 60)
    assert finds_exactly(index, stored)


def test_all_threads_of_a_process_find_all(index: TypeIndex, tmp_path: Path) -> None:
    stored = store(0, 100)
    build(tmp_path, "phash")
    missed: list[bytes] = []

    def reader(seed: int) -> None:
        dice = np.random.default_rng(seed)
        for at in dice.integers(0, 100, 60).tolist():
            value = list(stored)[at]
            if found(index, value) != {stored[value]}:
                missed.append(value)
        connection.close()

    readers = [threading.Thread(target=reader, args=(seed,)) for seed in range(4)]
    for thread in readers:
        thread.start()
    for _ in range(5):
        store(100 + _, 1)
        build(tmp_path, "phash")
    for thread in readers:
        thread.join()
    assert missed == []


def test_only_its_owner_may_look_into_the_folder(tmp_path: Path) -> None:
    Builder(tmp_path / "index").build_if_due("phash")
    assert os.stat(tmp_path / "index").st_mode & 0o077 == 0
