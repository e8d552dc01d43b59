"""Eight writers, four readers, and snapshots built without a pause by a builder that is killed again and again."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from sharing.matching.index import ENGINE
from sharing.matching.index.building import build
from sharing.matching.index.snapshot import open_snapshot, path_of
from tests.whole.index_work import TYPE, Start, build_on_and_on, read, write

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SECONDS = 180 if os.environ.get("HUB_LONG") == "1" else 15
WRITERS, READERS = 8, 4


@pytest.mark.timeout(SECONDS + 120)
def test_whatever_was_committed_before_a_question_is_in_its_answer(tmp_path: Path) -> None:
    # From a process that has imported everything and opened nothing: a builder killed is a builder back in a moment.
    fresh = multiprocessing.get_context("forkserver")
    fresh.set_forkserver_preload(["tests.whole.index_work"])
    database = str(connection.settings_dict["NAME"])
    ENGINE.warm_up()  # once here, so that all processes find what was compiled
    build(tmp_path, TYPE)
    first = open_snapshot(path_of(tmp_path, TYPE)).origin.horizon
    committed, wrong, asked = fresh.Queue(), fresh.Queue(), fresh.Queue()
    # A dozen Pythons that start at once on two cores take seconds: the clock runs when all of them can work.
    start = Start(fresh.Barrier(WRITERS + READERS + 2), SECONDS)
    work = [
        *(fresh.Process(target=write, args=(seed, database, start, committed)) for seed in range(WRITERS)),
        *(
            fresh.Process(target=read, args=(seed, database, tmp_path, start, committed, wrong, asked))
            for seed in range(READERS)
        ),
    ]
    for process in work:
        process.start()
    kills = _kill_builders(fresh, database, tmp_path, start)
    answers = [asked.get(timeout=60) for _ in range(READERS)]
    while not committed.empty():
        committed.get()
    for process in work:
        process.join(60)
        assert process.exitcode == 0
    print(f"{sum(count for count, _ in answers)} answers, {kills} builders killed")
    assert wrong.empty(), wrong.get()
    assert all(count > 50 for count, _ in answers)
    # The readers did read snapshots; and a killed builder left a newer one that is whole.
    assert all(used for _, used in answers)
    assert open_snapshot(path_of(tmp_path, TYPE)).origin.horizon > first
    assert kills >= SECONDS // 15


def _kill_builders(fresh: Any, database: str, folder: Path, start: Start) -> int:
    """The first builder is ready when the others are; each later one takes its time to come."""

    def begin(*waits: Start) -> tuple[Any, Any]:
        built = fresh.Event()
        builder = fresh.Process(target=build_on_and_on, args=(database, folder, built, *waits))
        builder.start()
        return builder, built

    dice = random.Random(5)
    kills = 0
    builder, built = begin(start)
    until = start.together()
    while True:
        # It goes on building: the kill comes at any moment of the second build or a later one.
        assert built.wait(60), "the builder does not build"
        time.sleep(dice.random())
        os.kill(builder.pid, signal.SIGKILL)
        builder.join()
        kills += 1
        if time.time() >= until:
            return kills
        builder, built = begin()
