"""The worker is killed in the midst of sending; afterwards every event has come, at least once and with one id."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import httpx
import pytest

from hub.launcher.processes import wait_until
from tests.notifications.receiver import a_receiver, after, status
from tests.whole.conftest import a_hub
from tests.whole.hub_process import HubProcess, Services, pages
from tests.whole.test_nothing_lost import LONG

pytestmark = [pytest.mark.services]
SIGNALS = 60
# When so many messages have come. What was under way waits half a minute after each.
KILLS = (5, 30) if LONG else (20,)


def batch(member: str) -> list[dict[str, Any]]:
    return [
        {
            "external_id": f"{member}-{number}",
            "kind": "content",
            "harm": "people_smuggling",
            "severity": "high",
            "sharing_groups": ["trafficking-watch"],
            "indicators": [{"type": "md5", "value": hashlib.md5(b"%d" % number).hexdigest()}],
        }
        for number in range(SIGNALS)
    ]


def submit(client: httpx.Client, member: str) -> None:
    answer = client.post("/api/v1/signals/batch", json={"signals": batch(member), "atomic": True})
    assert answer.status_code == 200, answer.text


def test_every_event_is_delivered_though_the_worker_is_killed(request: pytest.FixtureRequest) -> None:
    with (
        a_hub("webhooks", request, Services.given(), HUB_WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8") as hub,
        a_receiver() as receiver,
    ):
        keys = hub.demo_keys()
        alpha, beta = hub.client(keys["alpha"]), hub.client(keys["beta"])
        with alpha, beta:
            made = alpha.post("/api/v1/webhooks", json={"url": receiver.url, "events": ["match.found"]})
            assert made.status_code == 201, made.text
            hook = made.json()
            submit(alpha, "alpha")
            hub.wait_drained()
            assert receiver.received == []
            # Slow enough that a kill finds some under way.
            receiver.always = after(0.2, status(204))
            submit(beta, "beta")
            for number in KILLS:
                assert wait_until(lambda: len(receiver.received) >= number, seconds=60.0, every=0.005)  # noqa: B023
                hub.kill("worker")
            assert wait_until(lambda: delivered(hub) == SIGNALS, seconds=120.0), (delivered(hub), hub.last_words())
            hub.wait_drained()
            told = Counter(received.id for received in receiver.received)
            messages = {received.id: received.verified(hook["secret"]) for received in receiver.received[-20:]}
            bodies = {received.id: received.body for received in receiver.received}
            rows = pages(alpha, f"/api/v1/webhooks/{hook['id']}/deliveries")
            matches = {row["id"] for row in pages(alpha, "/api/v1/matches")}
    print(f"{len(receiver.received)} requests for {SIGNALS} events; under way at once: {receiver.most_at_once}")
    assert len(told) == SIGNALS
    assert max(told.values()) <= 1 + len(KILLS)
    assert Counter(row["state"] for row in rows) == {"delivered": SIGNALS}
    assert {row["message_id"] for row in rows} == told.keys()
    assert all(message["type"] == "match.found" for message in messages.values())
    assert {body.decode().partition('"match":"')[2][:36] for body in bodies.values()} <= matches
    assert len(set(bodies.values())) == SIGNALS


def delivered(hub: HubProcess) -> int:
    with hub.connect() as connection:
        row = connection.execute("SELECT count(*) FROM sharing_webhookdelivery WHERE state = 'delivered'").fetchone()
    return int(row[0]) if row else 0
