"""Celery's door to the outbox (ground): beat calls these, so that work moves even where no relay process runs."""

from __future__ import annotations

from celery import shared_task

from hub.outbox import services


@shared_task  # type: ignore[untyped-decorator]
def sweep() -> None:
    services.relay_due()


@shared_task  # type: ignore[untyped-decorator]
def purge() -> None:
    services.purge_done()
