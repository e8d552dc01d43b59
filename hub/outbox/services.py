"""Emit, relay, handle, purge (ground).

A row is emitted in the transaction of the change that it speaks of. The relay claims due rows (SKIP LOCKED), moves
their due time on by a lease and hands their ids to Celery; the handler marks them done at its end. A message, a
worker, a relay or the whole broker may be lost at any moment: the lease runs out and the row is handed over again. So
handlers run at least once and must be idempotent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.db.models import DurationField, ExpressionWrapper, Value
from django.db.models.functions import Now
from kombu.exceptions import OperationalError as BrokerError

from hub.outbox.models import OutboxEvent

log = structlog.get_logger(__name__)

CHANNEL = "hub_outbox"
CLAIM_LIMIT = 50
# Waiting doubles with each handing over, so that a long queue is not filled with copies of itself.
MAX_DOUBLINGS = 5

_CLAIM = """
    UPDATE outbox_outboxevent AS event
       SET attempts = attempts + 1,
           due_at = statement_timestamp() + %(lease)s * power(2, least(attempts, %(doublings)s)) * interval '1 second'
     WHERE id IN (
           SELECT id FROM outbox_outboxevent
            WHERE done_at IS NULL AND due_at <= statement_timestamp() AND topic = ANY(%(topics)s)
            ORDER BY due_at
            LIMIT %(limit)s
              FOR UPDATE SKIP LOCKED)
 RETURNING id, topic
"""


def emit(topic: str, payload: dict[str, Any]) -> OutboxEvent:
    """Promise a piece of work. Call inside the transaction of the change itself; ids only, never content."""
    if topic not in settings.OUTBOX_ROUTES:
        raise LookupError(f"no route for the outbox topic {topic!r}")
    event = OutboxEvent.objects.create(topic=topic, payload=payload)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    return event


def relay_due() -> int:
    """Claim due rows and hand them to Celery, one message for each topic. Returns how many rows were claimed.

    While an upgrade runs, rows of a topic that only the newer relay knows are left to it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "lease": settings.OUTBOX_LEASE_SECONDS,
                "doublings": MAX_DOUBLINGS,
                "limit": CLAIM_LIMIT,
                "topics": list(settings.OUTBOX_ROUTES),
            },
        )
        claimed = cursor.fetchall()
    by_topic: dict[str, list[int]] = defaultdict(list)
    for event_id, topic in claimed:
        by_topic[topic].append(event_id)
    for topic, event_ids in by_topic.items():
        _hand_over(topic, sorted(event_ids))
    return len(claimed)


def _hand_over(topic: str, event_ids: list[int]) -> None:
    try:
        # No retry here: the lease is the retry, and a broker that is away must not stop the relay.
        current_app.send_task(settings.OUTBOX_ROUTES[topic], args=[event_ids], retry=False)
    except (BrokerError, OSError) as error:
        log.warning("outbox.broker_away", topic=topic, error=type(error).__name__)


def handle(event_ids: Iterable[int], work: Callable[[list[OutboxEvent]], None]) -> None:
    """Run `work` on the rows that are still open, and mark them done when it has returned.

    When it fails on several rows it is tried on each alone, so that one bad row does not hold up the others.
    """
    events = list(OutboxEvent.objects.filter(pk__in=list(event_ids), done_at=None).order_by("pk"))
    if not events:
        return
    try:
        work(events)
    except Exception as error:
        if len(events) > 1:
            return _handle_each(events, work)
        # The class alone: the text of an error may quote what it stumbled over.
        OutboxEvent.objects.filter(pk=events[0].pk).update(last_error=type(error).__name__)
        raise
    OutboxEvent.objects.filter(pk__in=[event.pk for event in events]).update(done_at=Now(), last_error="")


def _handle_each(events: list[OutboxEvent], work: Callable[[list[OutboxEvent]], None]) -> None:
    failed: Exception | None = None
    for event in events:
        try:
            handle([event.pk], work)
        except Exception as error:
            failed = error
    if failed is not None:
        raise failed


def still_working(events: Iterable[OutboxEvent]) -> None:
    """Renew the lease of rows whose handling takes long, so that they are not handed over a second time."""
    lease = Value(timedelta(seconds=settings.OUTBOX_LEASE_SECONDS), output_field=DurationField())
    OutboxEvent.objects.filter(pk__in=[event.pk for event in events], due_at__lt=Now() + lease).update(
        due_at=ExpressionWrapper(Now() + lease, output_field=OutboxEvent._meta.get_field("due_at"))
    )


def hand_over_again(event_ids: Iterable[int]) -> int:
    """Make open rows due at once (an administrator's retry). Returns how many."""
    return OutboxEvent.objects.filter(pk__in=list(event_ids), done_at=None).update(due_at=Now())


def purge_done() -> int:
    """Delete rows done more than OUTBOX_KEEP_DAYS ago. Returns how many."""
    old = Now() - timedelta(days=settings.OUTBOX_KEEP_DAYS)
    return OutboxEvent.objects.filter(done_at__lt=old).delete()[0]
