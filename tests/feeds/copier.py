"""A process that keeps a copy by the partner's client, to be killed at any moment. Imports nothing of the hub."""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.context
import os
import random
import sqlite3
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from hub_client import HubClient, KeyRefused, NoAnswer, Retries

FEWEST_KILLS = 4


def keep(url: str, key: str, path: Path, narrowed: dict[str, Any], seed: int) -> None:
    """Without end, in pages of random size."""
    dice = random.Random(seed)
    with HubClient(url, key, retries=Retries(attempts=1)) as client:
        while True:
            try:
                client.sync(path, entries=dice.randint(1, 30), **narrowed)
            except (KeyRefused, NoAnswer):  # suspended at this moment
                time.sleep(0.02)


def ready_to_fork() -> multiprocessing.context.ForkServerContext:
    """Processes are forked from one that has imported this module and nothing else: a start costs nearly nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with pytest.MonkeyPatch.context() as patch:  # in Python 3.11 it doesn't get our sys.path, and preloads nothing
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()
    return context


@dataclass
class KilledCopier:
    """Starts such processes one after the other, and kills each after a while."""

    url: str
    key: str = field(repr=False)
    path: Path
    query: dict[str, str]
    dice: random.Random
    kills: int = 0

    @property
    def _narrowed(self) -> dict[str, Any]:
        return {name: value.split(",") if name == "types" else value for name, value in self.query.items()}

    def run(self, stop: Event) -> None:
        context = ready_to_fork()
        while not (stop.is_set() and self.kills >= FEWEST_KILLS and standing(self.path)):
            arguments = self.url, self.key, self.path, self._narrowed, self.dice.randint(0, 2**30)
            process = context.Process(target=keep, args=arguments, daemon=True)
            before = standing(self.path)
            process.start()
            # Half of them while they begin, the others somewhere between two pages or within one.
            patience = time.monotonic() + (0.05 if self.kills % 2 else 20.0)
            while standing(self.path) == before and time.monotonic() < patience:
                time.sleep(0.01)
            time.sleep(0.2 * self.dice.random())
            assert process.is_alive(), "the copier ended by itself"
            process.kill()
            process.join()
            self.kills += 1

    def finish(self) -> None:
        """Goes on from whatever was left, to the end."""
        with HubClient(self.url, self.key) as client:
            client.sync(self.path, **self._narrowed)


def standing(path: Path) -> Any:
    """Where a copy stands, and when it last was at the end; None while nothing was stored."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as database, suppress(sqlite3.OperationalError):
        return database.execute("SELECT cursor, ended_at FROM copy WHERE cursor <> ''").fetchone()
    return None


def shown_in(path: Path) -> dict[str, Any]:
    """The signals of a copy by id. What look-ups go by must be of them, and of nothing else."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT uuid, content, id FROM signal JOIN copy ON signal.build = shown").fetchall()
        indicators = set(database.execute("SELECT signal, type, hex(value), quality FROM indicator"))
    contents = {uuid: json.loads(content) for uuid, content, _number in rows}
    assert indicators == {
        (number, held["type"], held["value"].upper(), held["quality"])
        for uuid, _content, number in rows
        for held in contents[uuid]["indicators"]
    }
    return contents
