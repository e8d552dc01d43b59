"""A bulk upload whose client, web process or database is killed in the midst of it: nothing is lost, nothing doubled.

Half of the signals have no external_id. Of those nothing but the upload's own row says whether they are stored.
"""

from __future__ import annotations

import json
import os
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
import pytest

from hub.launcher.processes import wait_until
from tests.whole.conftest import a_hub
from tests.whole.hub_process import HubProcess, Services

pytestmark = [pytest.mark.services]

LONG = bool(os.environ.get("HUB_LONG"))
LONG_ROUNDS = 20
SEED = 20261126
PATH = "/api/v1/signals/bulk"
LINES = 9_000
PIECE = 2_000
PATIENCE = 90.0


@dataclass
class Sender:
    """A member's own program: it sends the same body with the same key until the hub has said that it is complete."""

    hub: HubProcess
    key: str = field(repr=False)
    body: bytes = field(repr=False)
    name: str
    answers: Counter[str] = field(default_factory=Counter)

    def send(self) -> dict[str, Any]:
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": self.name}
        deadline = time.monotonic() + PATIENCE
        with self.hub.client(self.key) as client:
            while time.monotonic() < deadline:
                try:
                    answer = client.post(PATH, content=self.body, headers=headers)
                except httpx.TransportError:
                    self.answers["no answer"] += 1
                    time.sleep(0.2)
                    continue
                self.answers[str(answer.status_code)] += 1
                if answer.status_code == 200:
                    told: dict[str, Any] = answer.json()
                    return told
                assert answer.status_code == 503, answer.text
                time.sleep(0.3)
        raise AssertionError(f"the hub never took the upload: {self.answers}")

    @property
    def head(self) -> bytes:
        return (
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.key}\r\n"
            f"Idempotency-Key: {self.name}\r\nContent-Type: application/x-ndjson\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n"
        ).encode()

    def send_a_part(self, size: int, has_read: Callable[[], bool]) -> None:
        """As of a program that is killed: its end of the connection is gone, in the midst of a line."""
        with socket.create_connection(("127.0.0.1", self.hub.port)) as one:
            one.sendall(self.head + self.body[:size])
            if size % 2:  # a kernel may also cut the connection short, and what was not read by then is gone
                wait_until(has_read, seconds=3.0, every=0.01)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.answers["cut"] += 1


def kill_web(hub: HubProcess) -> None:
    """The process that has the upload, or all of them: whichever gunicorn's workers are."""
    pid = hub.pid_of("web")
    assert pid is not None
    for worker in psutil.Process(pid).children():
        worker.kill()


VICTIMS: dict[str, Callable[[HubProcess], None]] = {
    "web worker": kill_web,
    "web": lambda hub: hub.kill("web"),
    "database": HubProcess.kill_database,
}


@dataclass
class Rounds:
    hub: HubProcess
    key: str = field(repr=False)
    chance: random.Random
    number: int = 0

    def lines(self) -> list[dict[str, Any]]:
        return [
            {
                "kind": "content", "harm": "people_smuggling", "severity": "high", "summary": f"{self.number} {line}",
                "sharing_groups": ["trafficking-watch"],
                "indicators": [{"type": "sha256", "value": self.chance.randbytes(32).hex()}],
                **({"external_id": f"bulk-{self.number}-{line}"} if line % 2 else {}),
                **({"severity": "unheard of"} if line % 1_000 == 7 else {}),
            }
            for line in range(LINES)
        ]  # fmt: skip

    def play(self, victim: str, after: int, delay: float) -> str:
        """One upload with one kill in it, `delay` seconds after so many lines were stored; gives where, in words."""
        self.number += 1
        rows = self.lines()
        body = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        sender = Sender(self.hub, self.key, body, f"round-{self.number}")
        if victim == "client":
            sender.send_a_part(len(body) * (after + self.chance.randrange(PIECE)) // LINES, self.has_stored)
            # What the kernel throws away with a connection that is cut short, nobody stores.
            wait_until(lambda: self.stored_lines() >= after - PIECE + 1, seconds=3.0, every=0.01)
            time.sleep(delay)
            landed = self.stored_lines()
            assert landed or after < PIECE, "the hub has read nothing of it"
            told = sender.send()
        else:
            with ThreadPoolExecutor(1) as background:
                sending = background.submit(sender.send)
                assert wait_until(lambda: self.stored_lines() >= after, seconds=60.0, every=0.005)
                time.sleep(delay)
                landed = self.stored_lines()
                VICTIMS[victim](self.hub)
                told = sending.result()
        self.check(rows, told)
        return f"{victim} killed at {landed} of {LINES} lines; answers {dict(sender.answers)}"

    def has_stored(self) -> bool:
        return self.stored_lines() > 0

    def stored_lines(self) -> int:
        try:
            with self.hub.connect() as connection:
                row = connection.execute(
                    "SELECT max(lines) FROM sharing_bulkupload WHERE finished_at IS NULL"
                ).fetchone()
        except Exception:
            return 0
        return row[0] or 0 if row else 0

    def check(self, rows: list[dict[str, Any]], told: dict[str, Any]) -> None:
        good = {row["summary"] for row in rows if row["severity"] == "high"}
        assert (told["state"], told["lines"], told["created"]) == ("complete", LINES, len(good))
        self.hub.wait_ready()
        with self.hub.connect() as connection:
            found = connection.execute(
                "SELECT summary, count(*), sum((SELECT count(*) FROM sharing_signalindicator WHERE signal_id = s.id)),"
                " sum((SELECT count(*) FROM sharing_share WHERE signal_id = s.id)) FROM sharing_signal s"
                " WHERE summary LIKE %s GROUP BY summary",
                [f"{self.number} %"],
            ).fetchall()
            assert {row[0]: tuple(map(int, row[1:])) for row in found} == dict.fromkeys(good, (1, 1, 1))
            # Each signal is in one piece of matching work, and in one place of the upload's results.
            (worked,) = connection.execute(
                "SELECT count(*) FROM outbox_outboxevent AS event,"
                " jsonb_array_elements_text(event.payload -> 'signals') AS named (pk)"
                " JOIN sharing_signal AS s ON s.id = named.pk::bigint"
                " WHERE event.topic = 'signals.changed' AND s.summary LIKE %s",
                [f"{self.number} %"],
            ).fetchone() or (0,)
            assert worked == len(good)
        with self.hub.client(self.key) as client:
            results, path = [], f"{PATH}/{told['id']}/results?limit=5000"
            while path:
                page = client.get(path).json()
                results += page["results"]
                path = page["next"]
        assert [one["line"] for one in results] == list(range(1, LINES + 1))
        assert all((one["status"] == "created") == (row["severity"] == "high")
                   for one, row in zip(results, rows, strict=True))  # fmt: skip


@pytest.fixture(scope="module")
def rounds(request: pytest.FixtureRequest) -> Iterator[Rounds]:
    with a_hub("bulk", request, Services.given()) as hub:
        yield Rounds(hub, hub.demo_keys()["alpha"], random.Random(SEED))


@pytest.mark.parametrize(
    ("victim", "after"),
    [("client", 2 * PIECE), ("web worker", PIECE), ("database", 2 * PIECE)],
    ids=str,
)
def test_nothing_of_an_upload_is_lost_when_something_is_killed(rounds: Rounds, victim: str, after: int) -> None:
    print(rounds.play(victim, after, 0.02))


def test_a_connection_that_is_dead_keeps_nobody_out(rounds: Rounds) -> None:
    rounds.number += 1
    body = b"".join(json.dumps(row).encode() + b"\n" for row in rounds.lines()[:3])
    sender = Sender(rounds.hub, rounds.key, body, "dead")
    asks = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "dead"}
    with socket.create_connection(("127.0.0.1", rounds.hub.port)) as dead:
        dead.sendall(sender.head + body[:-1])
        with rounds.hub.client(rounds.key) as own, rounds.hub.client(rounds.hub.demo_keys()["beta"]) as other:
            assert wait_until(lambda: own.get(PATH, headers=asks).status_code == 200, seconds=30.0, every=0.05)
            assert own.post(PATH, content=body, headers={**asks, "Idempotency-Key": "another"}).status_code == 429
            assert other.post(PATH, content=body, headers=asks).json()["created"] == 3
            assert own.post(PATH, content=body, headers=asks).json()["created"] == 3
        dead.settimeout(30.0)
        assert dead.recv(1_000).startswith(b"HTTP/1.1 409")


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.skipif(not LONG, reason="the long form: HUB_LONG=1")
@pytest.mark.parametrize("victim", ["client", *VICTIMS])
def test_nothing_of_an_upload_is_lost_in_twenty_rounds(rounds: Rounds, victim: str) -> None:
    for _round in range(LONG_ROUNDS):
        print(rounds.play(victim, rounds.chance.randrange(0, LINES - PIECE), rounds.chance.uniform(0.0, 0.3)))
