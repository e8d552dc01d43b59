"""The worker is killed in the middle of a re-matching; afterwards it has finished, and every match is there once."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from hub.launcher.processes import wait_until
from tests.whole.conftest import a_hub
from tests.whole.hub_process import HubProcess, Services
from tests.whole.ledger import Connection, Ledger, doubled_rows, told
from tests.whole.test_nothing_lost import LEASE, Member

pytestmark = [pytest.mark.services]
GROUP = "trafficking-watch"
KILLS = 2


def how_far(connection: Connection) -> tuple[str, int, int, int]:
    """State, signals done, signals in all, and matches that were found."""
    row = connection.execute("SELECT state, done, coalesce(total, 0), found FROM sharing_rematch").fetchone()
    return row or ("none", 0, 0, 0)


def test_who_joins_a_group_is_told_of_everything_once_though_the_worker_is_killed(
    request: pytest.FixtureRequest,
) -> None:
    with a_hub("rematch", request, Services.given(), HUB_OUTBOX_LEASE_SECONDS=LEASE) as hub:
        keys = hub.demo_keys()
        ledger = Ledger(random.Random(7), GROUP, "alpha", "gamma", ("gamma",))
        Member(hub, keys["alpha"]).submit(ledger.seeds(1))
        # gamma shares its signals with the agency alone, and sees nothing of the group.
        own = [row | {"sharing_groups": [], "named_organisations": ["agency"]} for row in ledger.batch(1)]
        Member(hub, keys["gamma"]).submit(own)
        hub.wait_drained()
        batch = [row["external_id"] for row in own]
        with hub.connect() as connection:
            assert not [due for due in told(connection, batch) if due[0] == "gamma"]
            assert hub.printed_by("-m", "tests.whole.joining", GROUP, "gamma") == "gamma"
            killed_at = [kill_after(hub, connection, beyond) for beyond in range(KILLS)]
            assert wait_until(lambda: how_far(connection)[0] == "finished", seconds=60.0), hub.last_words()
            hub.wait_drained()
            _state, done, total, found = how_far(connection)
            mine = Counter(due for due in told(connection, batch) if due[0] == "gamma")
            assert doubled_rows(connection) == []
        print(f"killed after {killed_at} of {total} signals")
        assert all(0 < at < total for at in killed_at)
        assert done == total == len(own)
        expected = ledger.expected(1)
        assert not expected - mine.keys()
        assert set(mine.values()) == {1}
        assert all(ledger.is_true(pair) for _reader, pair in mine.keys() - expected)
        assert found == len({pair - {one for one in pair if one.startswith("alpha")} for _reader, pair in mine})


def kill_after(hub: HubProcess, connection: Connection, kills: int) -> int:
    """Kill the worker when the re-matching has come further than before; gives how far it was."""
    before = how_far(connection)[1] if kills else 0
    assert wait_until(lambda: how_far(connection)[1] > before, seconds=60.0, every=0.002), hub.last_words()
    hub.kill("worker")
    at = how_far(connection)[1]
    hub.wait_ready()
    return at
