"""Celery's door (floor 8): ids in, one service call out."""

from __future__ import annotations

from celery import shared_task

from hub.outbox.services import handle
from sharing.matching.services import match_changed


@shared_task  # type: ignore[untyped-decorator]
def match_signals(event_ids: list[int]) -> None:
    handle(event_ids, match_changed)
