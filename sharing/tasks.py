"""Celery's door (floor 8): ids in, one service call out."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_init

from hub.outbox.services import handle
from sharing.feeds import services as feeds
from sharing.matching.index import ENGINE
from sharing.matching.rematching import sight_gained, take_steps
from sharing.matching.services import match_changed
from sharing.notifications import announcing, sending, services
from sharing.signals.bulk.services import purge_uploads


@worker_init.connect  # type: ignore[untyped-decorator]
def get_ready(**_: Any) -> None:
    ENGINE.warm_up()


@shared_task  # type: ignore[untyped-decorator]
def match_signals(event_ids: list[int]) -> None:
    handle(event_ids, match_changed)


@shared_task  # type: ignore[untyped-decorator]
def start_rematches(event_ids: list[int]) -> None:
    handle(event_ids, sight_gained)


@shared_task  # type: ignore[untyped-decorator]
def rematch(event_ids: list[int]) -> None:
    handle(event_ids, take_steps)


@shared_task  # type: ignore[untyped-decorator]
def announce(event_ids: list[int]) -> None:
    handle(event_ids, announcing.announce)


@shared_task  # type: ignore[untyped-decorator]
def send_webhooks(event_ids: list[int]) -> None:
    # The deliveries themselves are rows that stay due: this piece of work is done when somebody has been called.
    handle(event_ids, lambda _events: None)
    sending.send_due()


@shared_task  # type: ignore[untyped-decorator]
def sweep_webhooks() -> None:
    sending.send_due()


@shared_task  # type: ignore[untyped-decorator]
def purge_webhooks() -> None:
    services.purge_ended()


@shared_task  # type: ignore[untyped-decorator]
def note_expired() -> None:
    feeds.note_expired()


@shared_task  # type: ignore[untyped-decorator]
def purge_feed_memory() -> None:
    feeds.purge_memory()


@shared_task  # type: ignore[untyped-decorator]
def purge_bulk_uploads() -> None:
    purge_uploads()
