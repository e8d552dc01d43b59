"""What the members of a test submit, and which matches must come of it: kept apart from the hub's own rules."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

SEEDS = 1_000
ROWS = 2_000
NEAR_BITS = 8  # of a pHash's 64

Pair = frozenset[str]  # the external ids of two signals
Told = tuple[str, Pair]  # who is told of which pair
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass
class Ledger:
    """Makes rounds of signals. External ids are unique over all members, so that they can name signals here."""

    chance: random.Random
    group: str
    first: str
    second: str
    readers: Sequence[str]
    values: dict[str, tuple[str, str]] = field(default_factory=dict)

    def seeds(self, number: int) -> list[dict[str, Any]]:
        """What the first member submits before: pHashes and, every fifth each, e-mail addresses and phone numbers."""
        return [self._row(f"{self.first}-{number}-{position}", *self._fresh(position)) for position in range(SEEDS)]

    def batch(self, number: int) -> list[dict[str, Any]]:
        """What the second member submits: half of it relates to one seed each, half to nothing."""
        rows = []
        for position in range(ROWS):
            about = position // 2
            kind, value = self.values[f"{self.first}-{number}-{about}"] if position % 2 == 0 else self._fresh(about)
            if position % 2 == 0 and kind == "phash":
                value = self._near(value)
            rows.append(self._row(f"{self.second}-{number}-{position}", kind, value))
        return rows

    def expected(self, number: int) -> set[Told]:
        return {
            (reader, frozenset({f"{self.first}-{number}-{about}", f"{self.second}-{number}-{2 * about}"}))
            for reader in self.readers
            for about in range(SEEDS)
        }

    def is_true(self, pair: Pair) -> bool:
        """Whether two signals do relate: of the many random pHashes two may be near by chance."""
        (kind, one), (other_kind, other) = (self.values[external_id] for external_id in pair)
        if kind != other_kind or kind != "phash":
            return False
        return (int(one, 16) ^ int(other, 16)).bit_count() <= NEAR_BITS

    def _fresh(self, position: int) -> tuple[str, str]:
        if position % 5 == 3:
            return "email", f"person-{self.chance.randbytes(8).hex()}@example.org"
        if position % 5 == 4:
            return "phone", f"+4478{self.chance.randrange(10**8):08}"
        return "phash", self.chance.randbytes(8).hex()

    def _near(self, value: str) -> str:
        flipped = int(value, 16)
        for bit in self.chance.sample(range(64), self.chance.randint(0, NEAR_BITS)):
            flipped ^= 1 << bit
        return f"{flipped:016x}"

    def _row(self, external_id: str, kind: str, value: str) -> dict[str, Any]:
        self.values[external_id] = kind, value
        row: dict[str, Any] = {
            "external_id": external_id,
            "kind": "content",
            "harm": "people_smuggling",
            "severity": "high",
            "sharing_groups": [self.group],
            "indicators": [{"type": kind, "value": value}],
        }
        if kind != "phash":
            row |= {"kind": "account", "account": {"platform": self.first}}
        return row


def stored(connection: Connection, external_ids: Iterable[str]) -> dict[str, tuple[int, int, int]]:
    """How often each signal is stored, and with how many indicators and groups."""
    rows = connection.execute(
        "SELECT external_id, count(*),"
        " sum((SELECT count(*) FROM sharing_signalindicator AS link WHERE link.signal_id = signal.id)),"
        " sum((SELECT count(*) FROM sharing_share AS share WHERE share.signal_id = signal.id))"
        " FROM sharing_signal AS signal WHERE external_id = ANY(%s) GROUP BY external_id",
        [list(external_ids)],
    )
    return {external_id: (int(count), int(links), int(shares)) for external_id, count, links, shares in rows}


def told(connection: Connection, external_ids: Iterable[str]) -> list[Told]:
    """Everything that somebody is told about these signals, once for each row that tells it."""
    rows = connection.execute(
        "SELECT reader.slug, signal.external_id, related.external_id FROM sharing_match AS match"
        " JOIN accounts_organisation AS reader ON reader.id = match.recipient_id"
        " JOIN sharing_signal AS signal ON signal.id = match.signal_id"
        " JOIN sharing_signal AS related ON related.id = ANY(match.related)"
        " WHERE signal.external_id = ANY(%(ids)s) OR related.external_id = ANY(%(ids)s)",
        {"ids": list(external_ids)},
    )
    return [(reader, frozenset({signal, related})) for reader, signal, related in rows]


def doubled_rows(connection: Connection) -> list[tuple[Any, ...]]:
    """(recipient, signal) of matches that stand there more than once."""
    return connection.execute(
        "SELECT recipient_id, signal_id FROM sharing_match GROUP BY 1, 2 HAVING count(*) > 1"
    ).fetchall()
