"""Two members submit signals that relate to each other at the same moment: no match is missed, none is told twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.whole.hub_process import HubProcess, pages

pytestmark = [pytest.mark.services]

SIGNALS = "/api/v1/signals"
ROUNDS = 200
LATE_ROWS = 3_000
LATE_SINGLES = 50
READERS = ("alpha", "beta", "agency")
TYPES = ("pdq", "phash", "sha256", "phone")

Pair = frozenset[str]  # the ids of two signals


def indicators(number: int, chance: random.Random) -> tuple[dict[str, str], dict[str, str]]:
    """What the two submit: the same, or for picture hashes two values that differ in five bits."""
    kind = TYPES[number % len(TYPES)]
    if kind == "phone":
        # Written as two people write it.
        tail = f"{chance.randrange(10**8):08}"
        return {"type": kind, "value": f"+4479{tail}"}, {"type": kind, "value": f"+44 79 {tail[:4]} {tail[4:]}"}
    size = {"pdq": 32, "phash": 8, "sha256": 32}[kind]
    one = int.from_bytes(chance.randbytes(size))
    other = one if kind == "sha256" else one ^ sum(1 << bit for bit in chance.sample(range(8 * size), 5))
    first, second = ({"type": kind, "value": value.to_bytes(size).hex()} for value in (one, other))
    return first, second


def signal(external_id: str, indicator: dict[str, str]) -> dict[str, Any]:
    return {
        "external_id": external_id,
        "kind": "content",
        "harm": "human_trafficking",
        "severity": "critical",
        "sharing_groups": ["trafficking-watch"],
        "indicators": [indicator],
    }


class Member:
    """One member's program: sends each body as soon as the other member is ready too."""

    def __init__(self, hub: HubProcess, key: str, together: Barrier) -> None:
        self.hub, self.key, self.together = hub, key, together

    def submit_each(self, bodies: list[dict[str, Any]], *, waits_each_time: bool = True) -> list[str]:
        """Gives the ids of the stored signals."""
        ids: list[str] = []
        with self.hub.client(self.key) as client:
            for body in bodies:
                if waits_each_time or not ids:
                    self.together.wait(timeout=30.0)
                answer = client.post(SIGNALS, json=body)
                assert answer.status_code in (200, 201), answer.text
                ids.append(answer.json()["id"])
        return ids

    def submit_all(self, bodies: list[dict[str, Any]]) -> list[str]:
        """The same in one batch."""
        with self.hub.client(self.key) as client:
            self.together.wait(timeout=30.0)
            answer = client.post(f"{SIGNALS}/batch", json={"signals": bodies})
            assert answer.json()["stored"] == len(bodies), answer.text[:2_000]
        return [row["id"] for row in answer.json()["results"]]


Way = Callable[[list[dict[str, Any]]], list[str]]


def at_once(first: Way, second: Way, bodies: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> list[Pair]:
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(way, part) for way, part in zip((first, second), bodies, strict=True)]
        return [frozenset(ids) for ids in zip(*(thread.result() for thread in running), strict=True)]


def everybody_is_told(hub: HubProcess, pairs: list[Pair]) -> None:
    """Everybody who may see them is told of these pairs once, and of no other with one of these signals in it."""
    hub.wait_drained()
    ours = {signal_id for pair in pairs for signal_id in pair}
    for reader in READERS:
        with hub.client(hub.demo_keys()[reader]) as client:
            rows = pages(client, "/api/v1/matches")
        told = Counter(
            frozenset({row["signal"]["id"], related["signal"]["id"]}) for row in rows for related in row["related"]
        )
        missed = [number for number, pair in enumerate(pairs) if pair not in told]
        assert not missed, f"{reader} was not told of rounds {missed}"
        assert {pair: count for pair, count in told.items() if pair & ours} == dict.fromkeys(pairs, 1)
        assert len({row["signal"]["id"] for row in rows}) == len(rows)


@pytest.fixture
def members(hub: HubProcess) -> tuple[Member, Member]:
    together = Barrier(2)
    keys = hub.demo_keys()
    return Member(hub, keys["alpha"], together), Member(hub, keys["beta"], together)


def bodies(story: str, count: int, chance: random.Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    found = [indicators(number, chance) for number in range(count)]
    alpha, beta = (
        [signal(f"{story}-{member}-{number}", pair[which]) for number, pair in enumerate(found)]
        for which, member in enumerate(("alpha", "beta"))
    )
    return alpha, beta


def test_nothing_is_missed_when_two_submit_at_the_same_moment(hub: HubProcess, members: tuple[Member, Member]) -> None:
    alpha, beta = members
    sent = bodies("moment", ROUNDS, random.Random(7))
    pairs = at_once(alpha.submit_each, beta.submit_each, sent)
    everybody_is_told(hub, pairs)
    # Both send all of it again: every match is worked out anew, by two workers at once.
    assert at_once(alpha.submit_all, beta.submit_all, sent) == pairs
    everybody_is_told(hub, pairs)


def test_nothing_is_missed_when_one_commits_late(hub: HubProcess, members: tuple[Member, Member]) -> None:
    """A big batch takes its ids early and is seen late; what comes meanwhile has been matched by then."""
    alpha, beta = members
    sent = bodies("late", LATE_ROWS, random.Random(8))
    few = slice(0, LATE_ROWS, LATE_ROWS // LATE_SINGLES)
    with ThreadPoolExecutor(1) as background:
        batch = background.submit(alpha.submit_all, sent[0])
        ids = beta.submit_each(sent[1][few], waits_each_time=False)
        pairs = [frozenset(pair) for pair in zip(batch.result()[few], ids, strict=True)]
    everybody_is_told(hub, pairs)
