"""manage.py bench_pipeline: from a submission to a match that can be read, through every real process (floor 7).

Fills a scratch database, starts web, relay, worker and index, submits at a steady rate over HTTP, and reads the inbox
over HTTP as another member until each expected match is there. Then as much as the hub takes.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from accounts.models import Organisation
from hub.outbox.models import OutboxEvent
from sharing.management.corpus import FLIPPED, HOLDS, fill, make_key
from sharing.management.running import INDEX, RELAY, WEB, WORKER, indexed, running
from sharing.management.scratch import run_sql, scratch_database

GROUPS: Final = 20
BATCH: Final = 20  # signals in one request
SENDERS: Final = 4
MATCHING: Final = 20  # one signal in so many has a match
PATIENCE: Final = 60.0  # seconds for what is still on its way
# The submitter may contribute to the first group, which the reader sees too.
_CONTRIBUTE: Final = """
INSERT INTO sharing_sharinggroupgrant (content_object_id, group_id, permission_id, reason)
SELECT 1, o.group_id, p.id, 'bench' FROM accounts_organisation o
  JOIN auth_permission p ON p.codename = 'contribute_sharinggroup' WHERE o.slug = 'member-3'
"""


class Command(BaseCommand):
    help = "Measures the way from a submission to a readable match with the real worker, at a given corpus size."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--n", type=int, default=1_000_000, help="stored PDQ hashes")
        parser.add_argument("--rate", type=int, default=200, help="signals submitted a second")
        parser.add_argument("--seconds", type=float, default=30.0)
        parser.add_argument("--json", action="store_true", help="print one line of JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        with scratch_database(), tempfile.TemporaryDirectory() as folder:
            fill(n=options["n"], groups=GROUPS, signal_type="pdq")
            run_sql(_CONTRIBUTE)
            submitter, reader = make_key("member-3"), make_key("member-1")
            stored = known_to_both()
            with running(indexed(Path(folder)), WEB, WORKER, RELAY, INDEX) as (port, _pids):
                steady = Steady(port, submitter, reader, stored)
                row = steady.run(options["rate"], options["seconds"])
                row |= {"most_signals_s": most(port, submitter, stored)}
        row = {"n": options["n"], "rate": options["rate"], "seconds": options["seconds"], **row}
        if options["json"]:
            self.stdout.write(json.dumps(row))
            return
        for name, value in row.items():
            self.stdout.write(f"{name:18} {value:>14,}")


def known_to_both() -> list[int]:
    """PDQ hashes of the reader's own signals in the first group."""
    reader = Organisation.objects.get(slug="member-1")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.value FROM sharing_share AS share JOIN sharing_signal AS signal ON signal.id = share.signal_id"
            " JOIN sharing_indicator AS i ON i.id = 1 + (signal.id - 1) * %s"
            " WHERE share.sharing_group_id = 1 AND signal.organisation_id = %s LIMIT 5000",
            [HOLDS, reader.pk],
        )
        found = [int.from_bytes(value, "big") for (value,) in cursor.fetchall()]
    if not found:
        raise CommandError("Too few hashes: take more (--n).")
    return found


class Steady:
    """Submissions at a steady rate, and the matches that come of them."""

    def __init__(self, port: int, submitter: str, reader: str, stored: list[int]) -> None:
        self._port, self._submitter, self._reader, self._stored = port, submitter, reader, stored
        self._dice = random.Random(1)  # noqa: S311 - the same in every run
        self._waiting: dict[str, float] = {}
        self._took: list[float] = []
        self._done = threading.Event()

    def run(self, rate: int, seconds: float) -> dict[str, float]:
        reading = threading.Thread(target=self._read)
        reading.start()
        began = time.perf_counter()
        with ThreadPoolExecutor(SENDERS) as senders:
            sent = []
            for turn in range(int(seconds * rate / BATCH)):
                # On the clock, and not after the last answer: a slow hub gets no rest from it.
                time.sleep(max(0.0, began + turn * BATCH / rate - time.perf_counter()))
                signals = batch(self._dice, self._stored, BATCH, turn * BATCH)
                sent.append(senders.submit(self._submit, signals, time.perf_counter()))
        submitted = sum(one.result() for one in sent)
        spent = time.perf_counter() - began
        until = time.perf_counter() + PATIENCE
        while self._waiting and time.perf_counter() < until:
            time.sleep(0.05)
        self._done.set()
        reading.join()
        cuts = statistics.quantiles(self._took, n=100, method="inclusive") if len(self._took) > 1 else [0.0] * 99
        return {
            "submitted": submitted,
            "submitted_s": round(submitted / spent, 1),
            "expected": len(self._took) + len(self._waiting),
            "matched": len(self._took),
            "p50_ms": round(cuts[49]),
            "p95_ms": round(cuts[94]),
            "p99_ms": round(cuts[98]),
        }

    def _submit(self, signals: list[dict[str, Any]], due: float) -> int:
        answer = call(self._port, self._submitter, "POST", "/api/v1/signals/batch", {"signals": signals})
        for place in range(0, len(signals), MATCHING):
            self._waiting[answer["results"][place]["id"]] = due
        return len(signals)

    def _read(self) -> None:
        while not self._done.wait(0.05):
            page = call(self._port, self._reader, "GET", "/api/v1/matches?limit=50")
            now = time.perf_counter()
            for match in page["results"]:
                if (began := self._waiting.pop(match["signal"]["id"], None)) is not None:
                    self._took.append((now - began) * 1000)


def most(port: int, key: str, stored: list[int]) -> float:
    """Signals a second, submitted and matched, when 2,000 come at once."""
    signals = batch(random.Random(2), stored, 2_000, 0)  # noqa: S311 - the same in every run
    began = time.perf_counter()
    call(port, key, "POST", "/api/v1/signals/batch", {"signals": signals})
    wait_until(lambda: not OutboxEvent.objects.filter(done_at=None).exists())
    return round(len(signals) / (time.perf_counter() - began), 1)


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise CommandError("The worker did not finish in time.")
        time.sleep(0.02)


def batch(dice: random.Random, stored: list[int], size: int, before: int) -> list[dict[str, Any]]:
    """Signals to submit: one in MATCHING is near a stored hash, the others are new."""
    made = []
    for place in range(before, before + size):
        value = dice.getrandbits(256)
        if place % MATCHING == 0:
            value = dice.choice(stored) ^ sum(1 << bit for bit in dice.sample(range(256), FLIPPED))
        made.append(
            {
                "kind": "content", "harm": "human_trafficking", "severity": "high", "tlp": "AMBER",
                "sharing_groups": ["group-1"], "indicators": [{"type": "pdq", "value": f"{value:064x}"}],
            }
        )  # fmt: skip
    return made


def call(port: int, key: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    connected = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connected.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connected.getresponse()
    read: dict[str, Any] = json.loads(answer.read())
    connected.close()
    if answer.status >= 300:  # noqa: PLR2004
        raise CommandError(f"{method} {path} answered {answer.status}: {read}")
    return read
