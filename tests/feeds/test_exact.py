"""A copy that is kept by the feed is exactly what its owner may see, whatever others do meanwhile.

Eight threads submit, change, retract, expire, grant, revoke, close, open and suspend, with transactions that commit out
of order. Readers read pages of random size, crash, and go on from what they had saved. One of them is the partner's
client in a process of its own, with its file, which is killed again and again.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organisation
from hub.keys import token_keys
from sharing.feeds.services import note_expired
from tests.feeds.copier import KilledCopier, shown_in
from tests.feeds.copy import Copy
from tests.feeds.world import LONGEST_SOON, World

LONG = bool(os.environ.get("HUB_LONG"))
WRITERS = 8
DEEDS = 25

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Reader:
    """A client that loses at a crash what it had not saved."""

    organisation: Organisation
    copy: Copy
    dice: random.Random
    saved: tuple[dict[str, Any], str] = field(default_factory=lambda: ({}, ""))
    told: set[str] = field(default_factory=set)

    def run(self, stop: Event) -> None:
        while not stop.is_set():
            self.copy.query["limit"] = self.dice.randint(1, 30)
            self.copy.entries = []
            response = self.copy.ask()
            if response.status_code == 401:  # suspended at this moment
                stop.wait(0.02)
                continue
            if not self.copy.apply(response):
                stop.wait(0.005)
            self.told |= {entry["id"] for entry in self.copy.entries}
            if self.dice.random() < 0.3:
                signals, self.copy.cursor = self.saved
                self.copy.signals = dict(signals)
            elif self.dice.random() < 0.5:
                self.saved = dict(self.copy.signals), self.copy.cursor

    def finish(self) -> None:
        self.copy.query["limit"] = 1_000
        self.told |= {entry["id"] for entry in self.copy.sync()}


def in_threads(works: list[Callable[[], None]]) -> tuple[list[Thread], list[BaseException]]:
    failed: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    return threads, failed


def writing(world: World, seed: int, settings: LazySettings, keys_file: Path) -> Callable[[], None]:
    dice = random.Random(seed)

    def run() -> None:
        for number in range(DEEDS):
            world.act(dice, lingers=True)
            if seed % WRITERS == 0 and number == DEEDS // 2:
                rotate(settings, keys_file)

    return run


def rotate(settings: LazySettings, keys_file: Path) -> None:
    """Both keys of the hub, as an operator does it: the old secret key still counts, the old token key stays."""
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = secrets.token_urlsafe(48)
    known = {name: epoch.seed.hex() for name, epoch in token_keys().epochs.items()}
    keys_file.write_text(json.dumps({"active": "k2", "keys": {**known, "k2": secrets.token_hex(32)}}))
    settings.TOKEN_KEYS_FILE = str(keys_file)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(50 if LONG else 2))
def test_a_copy_is_exactly_what_its_owner_sees(
    seed: int, settings: LazySettings, tmp_path: Path, live_server: LiveServer
) -> None:
    settings.API_ANONYMOUS_RATE_PER_MINUTE = settings.API_RATE_PER_MINUTE = 1_000_000
    dice = random.Random(seed)
    world = World.made(dice)
    for _ in range(40):
        world.act(dice)
    narrowed: list[dict[str, Any]] = [{}, {}, {"types": "md5"}, {"group": "g0"}]
    readers = [
        Reader(organisation, Copy(world.keys[organisation.slug], dict(query)), random.Random(seed * 100 + number))
        for number, (organisation, query) in enumerate(zip([*world.readers, world.readers[0]], narrowed, strict=True))
    ]
    world.begin(readers[3].organisation, "g0")
    for reader in readers:
        reader.copy.read_page()
        reader.saved = dict(reader.copy.signals), reader.copy.cursor
    copied = readers[seed % len(readers)]
    query = {name: copied.copy.query[name] for name in ("types", "group") if name in copied.copy.query}
    copier = KilledCopier(live_server.url, copied.copy.key, tmp_path / "copy.sqlite", query, random.Random(seed))
    if "group" in query:  # it is good without being seen only with a cursor
        copier.finish()
    stop, let_in = Event(), Event()
    reads: list[Callable[[], None]] = [lambda reader=reader: reader.run(stop) for reader in readers]  # type: ignore[misc]
    reading, failed_reading = in_threads([*reads, lambda: copier.run(let_in)])
    works = [writing(world, seed * WRITERS + number, settings, tmp_path / "keys.json") for number in range(WRITERS)]
    threads, failed = in_threads(works)
    for thread in threads:
        thread.join(300)
    stop.set()
    world.let_all_in()
    let_in.set()
    for thread in reading:
        thread.join(300)
    assert not failed
    assert not failed_reading
    time.sleep(LONGEST_SOON)  # what expires soon has expired, and nothing does between the two looks below
    note_expired()
    for reader in readers:
        reader.finish()
    for reader in readers:
        query = reader.copy.query
        types = tuple(query["types"].split(",")) if "types" in query else ()
        assert reader.copy.signals == world.expected(reader.organisation, types, query.get("group", ""))
        assert not reader.told & world.never_shown_to(reader.organisation)
    copier.finish()
    assert shown_in(copier.path) == copied.copy.signals
