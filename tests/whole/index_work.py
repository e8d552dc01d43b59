"""What the processes of test_index_never_misses do, each a fresh Python of its own."""

from __future__ import annotations

import queue
import random
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import django

django.setup()  # before the models below; in the test run's own process it is done already

from django.db import connections, transaction  # noqa: E402

from accounts.actor import Actor  # noqa: E402
from sharing.matching.index import ENGINE, Neighbour  # noqa: E402
from sharing.matching.index.building import build, only_builder  # noqa: E402
from sharing.matching.index.current import TypeIndex  # noqa: E402
from sharing.signals.holders import Seen, holders  # noqa: E402
from sharing.signals.indicators import Indicator  # noqa: E402

TYPE, THRESHOLD = "phash", 8
NOBODY = Actor(organisation=None)
Asked = tuple[bytes, bool]  # a hash, and whether it was committed or rolled back


@dataclass(frozen=True, slots=True)
class Start:
    """All begin at the same moment, and work for this long."""

    barrier: Barrier
    seconds: float

    def together(self) -> float:
        """Waits for the others; gives the time at which to end."""
        self.barrier.wait(60.0)
        return time.time() + self.seconds


def write(seed: int, database: str, start: Start, committed: Any) -> None:
    """Short transactions and long ones, some of which are given up; each hash is passed on after its commit."""
    _connect(database)
    dice = random.Random(seed)
    until = start.together()
    while time.time() < until:
        values = [dice.randbytes(8) for _ in range(dice.choice([1, 1, 5, 200]))]
        with transaction.atomic():
            Indicator.objects.bulk_create(Indicator(signal_type=TYPE, value=value) for value in values)
            if dice.random() < 0.2:
                time.sleep(dice.random())
            given_up = dice.random() < 0.1
            transaction.set_rollback(given_up)
        for value in dice.sample(values, min(3, len(values))):
            committed.put((value, not given_up))
        time.sleep(dice.random() * 0.02)


def read(seed: int, database: str, folder: Path, start: Start, committed: Any, wrong: Any, asked: Any) -> None:
    """Ask for what was committed just before, and again for what was asked for earlier."""
    _connect(database)
    dice = random.Random(seed)
    index = TypeIndex(folder, TYPE)
    known: list[Asked] = []
    answers = 0
    ENGINE.warm_up()  # to compile takes seconds, which are none of the clock's
    until = start.together()
    while time.time() < until:
        try:
            known.append(committed.get(timeout=0.1))
        except queue.Empty:
            continue
        questions = [known[-1], *(dice.choice(known) for _ in range(3))]
        variants = [_near(value, dice) for value, _ in questions]
        for (value, expected), found in zip(questions, _neighbours(index, variants), strict=True):
            stored = set(
                Indicator.objects.filter(pk__in=[near.indicator_id for near in found]).values_list("value", flat=True)
            )
            answers += 1
            if (value in {bytes(other) for other in stored}) != expected:
                wrong.put((value.hex(), expected))
    asked.put((answers, index._view is not None and index._view.snapshot is not None))


def _neighbours(index: TypeIndex, values: list[bytes]) -> list[list[Neighbour]]:
    """As a look-up finds them: what is known, if the database has nothing beyond it."""
    known = index.known(values, THRESHOLD)
    if known and holders(NOBODY, [], [], quality=0, most=1, seen=[Seen(*known[1])]) is not None:
        return known[0]
    return index.neighbours(values, THRESHOLD)


def build_on_and_on(database: str, folder: Path, built: Any, start: Start | None = None) -> None:
    _connect(database)
    ENGINE.warm_up()
    if start:
        start.together()
    while True:
        with only_builder(folder, TYPE) as alone:
            assert alone
            build(folder, TYPE)
        built.set()


def _near(value: bytes, dice: random.Random) -> bytes:
    number = int.from_bytes(value)
    for bit in dice.sample(range(64), dice.randint(0, THRESHOLD)):
        number ^= 1 << bit
    return number.to_bytes(8)


def _connect(database: str) -> None:
    """The test run's database, through a connection of this process."""
    connections["default"].settings_dict["NAME"] = database
