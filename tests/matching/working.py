"""What the relay and a worker do, at once and in the test's own process."""

from __future__ import annotations

from collections.abc import Callable

from hub.outbox.models import OutboxEvent
from hub.outbox.services import handle
from sharing.matching.rematching import sight_gained, take_steps
from sharing.matching.services import match_changed

WORK: dict[str, Callable[[list[OutboxEvent]], None]] = {
    "signals.changed": match_changed,
    "visibility.gained": sight_gained,
    "rematch.step": take_steps,
}


def open_work(topic: str) -> list[int]:
    events = OutboxEvent.objects.filter(topic=topic, done_at=None).order_by("pk")
    return list(events.values_list("pk", flat=True))


def work_off(*topics: str) -> int:
    """Handle what is open until nothing is left, and what comes of it. Gives how many rounds that took."""
    rounds = 0
    while any(open_work(topic) for topic in topics or WORK):
        rounds += 1
        for topic in topics or WORK:
            handle(open_work(topic), WORK[topic])
    return rounds
