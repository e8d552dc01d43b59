"""When a victim is killed: in which part of a batch's way through the hub, and how far into it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Final, NamedTuple

from hub.launcher.processes import wait_until
from tests.whole.hub_process import HubProcess
from tests.whole.ledger import Connection

STORING: Final = "storing"
HANDING_OVER: Final = "handing over"
MATCHING: Final = "matching"
PARTS: Final = (STORING, HANDING_OVER, MATCHING)
# Longest delay into each part, in seconds; about as long as it lasts on two cores.
_LENGTH: Final = {STORING: 2.5, HANDING_OVER: 0.3, MATCHING: 1.0}
_PATIENCE: Final = 60.0
_STEP: Final = 0.005

_STATE = """
    SELECT count(*) FILTER (WHERE attempts = 0 AND done_at IS NULL),
           count(*) FILTER (WHERE attempts > 0 AND done_at IS NULL),
           count(*) FILTER (WHERE done_at IS NOT NULL),
           (SELECT count(*) FROM sharing_match WHERE id > %(match)s)
      FROM outbox_outboxevent WHERE id > %(event)s
"""


class _Counts(NamedTuple):
    """Pieces of work by state, and matches, since the batch began."""

    waiting: int
    handed_over: int
    done: int
    matches: int


@dataclass(frozen=True, slots=True)
class Moment:
    """`delay` seconds after the part has begun."""

    part: str
    delay: float

    @classmethod
    def of_round(cls, number: int, chance: random.Random) -> Moment:
        part = PARTS[number % len(PARTS)]
        return cls(part, chance.uniform(0.0, _LENGTH[part]))


class Watch:
    """Sees how far the batch has come that is submitted from now on."""

    def __init__(self, hub: HubProcess) -> None:
        self._connection: Connection = hub.connect()
        row = self._connection.execute(
            "SELECT (SELECT coalesce(max(id), 0) FROM outbox_outboxevent),"
            " (SELECT coalesce(max(id), 0) FROM sharing_match)"
        ).fetchone()
        assert row is not None
        self._last = {"event": row[0], "match": row[1]}

    def wait_for(self, moment: Moment) -> str:
        """Returns at the moment; says what the database showed then."""
        if moment.part == HANDING_OVER:  # begins with the commit
            assert wait_until(lambda: any(self._counts()), seconds=_PATIENCE, every=_STEP)
        if moment.part == MATCHING:  # begins with the first match that is stored
            assert wait_until(lambda: self._counts().matches > 0, seconds=_PATIENCE, every=_STEP)
        time.sleep(moment.delay)
        return self.state()

    def state(self) -> str:
        seen = self._counts()
        if not seen.waiting + seen.handed_over + seen.done:
            return "before the commit"
        if seen.waiting:
            return "before the relay"
        return f"when {'handed over' if seen.handed_over else 'done'}, {seen.matches} matches"

    def close(self) -> None:
        self._connection.close()

    def _counts(self) -> _Counts:
        row = self._connection.execute(_STATE, self._last).fetchone()
        assert row is not None
        return _Counts(*row)
