"""Processes are killed in the middle of a batch; afterwards every signal and every match is there, once."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.whole.conftest import a_hub
from tests.whole.hub_process import HubProcess, Services
from tests.whole.ledger import Ledger, doubled_rows, stored, told
from tests.whole.moments import HANDING_OVER, MATCHING, STORING, Moment, Watch

pytestmark = [pytest.mark.services]

LONG = bool(os.environ.get("HUB_LONG"))
LONG_ROUNDS = 10
SEED = 20261122
BATCH = "/api/v1/signals/batch"
# Work that a killed process held is handed over again after this time; an installation waits ten seconds.
LEASE = "3"

VICTIMS: dict[str, Callable[[HubProcess], None]] = {
    "worker": lambda hub: hub.kill("worker"),
    "relay": lambda hub: hub.kill("relay"),
    "database": HubProcess.kill_database,
    "supervisor": HubProcess.kill_supervisor,
}
# The moments of the short form: those in which each victim has something to lose.
SHORT = {
    "worker": (Moment(HANDING_OVER, 0.1), Moment(MATCHING, 0.1)),
    "relay": (Moment(HANDING_OVER, 0.0),),
    "database": (Moment(STORING, 1.5), Moment(MATCHING, 0.2)),
    "supervisor": (Moment(MATCHING, 0.2),),
}


@dataclass
class Member:
    """A member's own program: it sends again, with the same external ids, until the hub has said yes."""

    hub: HubProcess
    key: str

    def submit(self, signals: list[dict[str, Any]], *, patience: float = 120.0) -> Counter[str]:
        """Gives how often each answer came, "no answer" for a connection that broke."""
        answers: Counter[str] = Counter()
        deadline = time.monotonic() + patience
        with self.hub.client(self.key) as client:
            while time.monotonic() < deadline:
                try:
                    answer = client.post(BATCH, json={"signals": signals})
                except httpx.TransportError:
                    answers["no answer"] += 1
                    time.sleep(0.2)
                    continue
                answers[str(answer.status_code)] += 1
                if answer.status_code == 200:
                    assert answer.json()["stored"] == len(signals), answer.text[:2_000]
                    return answers
                assert answer.status_code == 503, answer.text
                time.sleep(min(float(answer.headers["Retry-After"]), 0.5))
        raise AssertionError(f"the hub never took the batch: {answers}")


@dataclass
class Rounds:
    """One hub, round after round; what came before is looked at again at the end."""

    hub: HubProcess
    ledger: Ledger
    seeder: Member
    member: Member
    number: int = 0

    def play(self, victim: str, moment: Moment) -> str:
        """One batch with one kill in it; gives where it landed, in words."""
        self.number += 1
        self.seeder.submit(self.ledger.seeds(self.number))
        self.hub.wait_drained()
        self.hub.tend_database()
        batch = self.ledger.batch(self.number)
        watch, relay = Watch(self.hub), self.hub.pid_of("relay")
        with ThreadPoolExecutor(1) as background:
            sending = background.submit(self.member.submit, batch)
            landed = watch.wait_for(moment)
            VICTIMS[victim](self.hub)
            watch.close()
            if victim == "supervisor":
                self.hub.start()
            answers = sending.result()
        self.hub.wait_ready()
        self.hub.wait_drained()
        assert victim != "database" or self.hub.pid_of("relay") == relay, "the relay waits for its database"
        self.check(self.number, [row["external_id"] for row in batch])
        return f"{victim} killed {landed} ({moment.part} + {moment.delay:.2f} s); answers {dict(answers)}"

    def check(self, number: int, batch: list[str]) -> None:
        with self.hub.connect() as connection:
            # Once each, and whole: one indicator, one group.
            assert stored(connection, batch) == dict.fromkeys(batch, (1, 1, 1))
            found = Counter(told(connection, batch))
            assert doubled_rows(connection) == []
        expected = self.ledger.expected(number)
        assert not expected - found.keys(), f"{len(expected - found.keys())} of {len(expected)} matches are missing"
        assert {count for due, count in found.items() if due in expected} == {1}
        assert all(self.ledger.is_true(pair) for _reader, pair in found.keys() - expected)


@pytest.fixture(scope="module")
def rounds(request: pytest.FixtureRequest) -> Iterator[Rounds]:
    with a_hub("killed", request, Services.given(), HUB_OUTBOX_LEASE_SECONDS=LEASE) as hub:
        keys = hub.demo_keys()
        readers = ("alpha", "beta", "agency")
        ledger = Ledger(random.Random(SEED), "trafficking-watch", "alpha", "beta", readers)
        yield Rounds(hub, ledger, Member(hub, keys["alpha"]), Member(hub, keys["beta"]))


@pytest.mark.parametrize("victim", VICTIMS)
def test_nothing_is_lost_when_a_process_is_killed(rounds: Rounds, victim: str) -> None:
    for moment in SHORT[victim]:
        print(rounds.play(victim, moment))


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.skipif(not LONG, reason="the long form: HUB_LONG=1")
@pytest.mark.parametrize("victim", VICTIMS)
def test_nothing_is_lost_in_ten_rounds(rounds: Rounds, victim: str) -> None:
    chance = random.Random(f"{SEED} {victim}")
    for number in range(LONG_ROUNDS):
        print(rounds.play(victim, Moment.of_round(number, chance)))
