"""Sending what is due (floor 5).

Claiming a row moves its due time on by a lease, so that a row whose worker was killed becomes due again; the outcome is
written after the answer. So a message may come twice, with the same webhook-id, and none is lost. Requests run in
threads, the database is asked by one. One sender works at a time for the whole hub, so that slow receivers never hold
more than one worker; others that are called meanwhile leave at once, because the one sees new rows as well.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.db import connection
from django.utils import timezone

from sharing.notifications.contents import body_of, contents
from sharing.notifications.keeping import live_secrets
from sharing.notifications.models import WebhookDelivery
from sharing.notifications.outcomes import drop, note
from sharing.notifications.posting import Answer, post
from sharing.notifications.signing import signed_headers
from sharing.notifications.turns import Turn

log = structlog.get_logger(__name__)
Error = WebhookDelivery.Error

# Seconds: longer than one request can take (posting.TOTAL_SECONDS), with room for a busy machine.
LEASE: Final = 30
# Requests under way at once, and of these to one endpoint: a slow one must not hold up the others.
AT_ONCE: Final = 16
AT_ONCE_EACH: Final = 4
# Seconds after which a sender takes nothing more, so that its worker has other work in between.
TURN: Final = 30.0
_LOOK: Final = 0.25  # seconds between two looks for what became due meanwhile
USER_AGENT: Final = "intelligence-sharing-hub webhooks"

_CLAIM: Final = """
    WITH ready AS (
        SELECT endpoint.id
          FROM sharing_webhookendpoint AS endpoint
          JOIN accounts_organisation AS organisation ON organisation.id = endpoint.organisation_id
         WHERE endpoint.state = 'enabled' AND organisation.status = 'active' AND endpoint.id <> ALL(%(busy)s)
           AND (endpoint.paused_until IS NULL OR endpoint.paused_until <= statement_timestamp()))
    UPDATE sharing_webhookdelivery AS delivery
       SET attempts = delivery.attempts + 1, attempted_at = statement_timestamp(),
           due_at = statement_timestamp() + %(lease)s * interval '1 second'
     WHERE delivery.id IN (
           SELECT due.id
             FROM ready CROSS JOIN LATERAL (
                  SELECT id, due_at FROM sharing_webhookdelivery AS waiting
                   WHERE waiting.endpoint_id = ready.id AND waiting.state = 'waiting'
                     AND waiting.due_at <= statement_timestamp()
                   ORDER BY waiting.due_at LIMIT %(each)s
                     FOR UPDATE SKIP LOCKED) AS due
            ORDER BY due.due_at LIMIT %(limit)s)
 RETURNING delivery.id
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One attempt, ready to be sent."""

    delivery: WebhookDelivery
    url: str
    headers: dict[str, str]
    body: bytes


def send_due(*, seconds: float = TURN) -> int:
    """Send what is due, and what becomes due meanwhile, for at most about `seconds`. Gives the number of attempts."""
    sent, end = 0, time.monotonic() + seconds
    while True:
        turn = Turn()
        if not turn.take():
            return sent
        try:
            just_sent = _send_for(end, turn)
        finally:
            turn.give_back()
        sent += just_sent
        # Once more: who was called in the last moment has left, because it was not yet its turn.
        if not just_sent or time.monotonic() >= end:
            return sent


def _send_for(end: float, turn: Turn) -> int:
    sent = 0
    under_way: dict[Future[Answer], WebhookDelivery] = {}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
        while True:
            if time.monotonic() < end and len(under_way) < AT_ONCE and turn.keep():
                busy = Counter(delivery.endpoint_id for delivery in under_way.values())
                for message in _claimed(AT_ONCE - len(under_way), busy):
                    under_way[pool.submit(_send, message)] = message.delivery
                    sent += 1
            if not under_way:
                return sent
            done, _open = wait(under_way, timeout=_LOOK, return_when=FIRST_COMPLETED)
            for future in done:
                note(under_way.pop(future), _outcome(future))


def _outcome(future: Future[Answer]) -> Answer:
    """A defect of ours in the attempt for one is a failure of that one, and no reason to leave the others' unnoted."""
    defect = future.exception()
    if defect is None:
        return future.result()
    log.error("webhook.attempt_broke", error=type(defect).__name__)
    return Answer(error=Error.PROTOCOL)


def _send(message: Message) -> Answer:
    return post(message.url, headers=message.headers, body=message.body)


def _claimed(limit: int, busy: Counter[int]) -> Iterator[Message]:
    """The next attempts, each row claimed. What may not be told any more is dropped here."""
    full = [endpoint_id for endpoint_id, number in busy.items() if number > AT_ONCE_EACH // 2]
    parameters: dict[str, Any] = {"busy": full, "lease": LEASE, "each": AT_ONCE_EACH // 2, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, parameters)
        ids = [pk for (pk,) in cursor.fetchall()]
    if not ids:
        return
    rows = WebhookDelivery.objects.filter(pk__in=ids).select_related("endpoint__organisation__group").order_by("due_at")
    yield from _messages(list(rows))


def _messages(deliveries: Sequence[WebhookDelivery]) -> Iterator[Message]:
    by_question: dict[tuple[int, str], list[WebhookDelivery]] = defaultdict(list)
    for delivery in deliveries:
        by_question[delivery.endpoint.organisation_id, delivery.event].append(delivery)
    secrets = live_secrets({delivery.endpoint_id: delivery.endpoint for delivery in deliveries}.values())
    for (_organisation_id, event), rows in by_question.items():
        told = contents(rows[0].endpoint.organisation, event, {row.object_id for row in rows})
        for row in rows:
            signing = secrets[row.endpoint_id]
            if row.object_id not in told:
                drop(row)
            elif not signing:
                note(row, Answer(error=WebhookDelivery.Error.SECRET))
            else:
                body = body_of(event, row.created_at, told[row.object_id])
                now = int(timezone.now().timestamp())
                headers = signed_headers(message_id=row.message_id, timestamp=now, body=body, secrets=signing)
                yield Message(row, row.endpoint.url, {**headers, "User-Agent": USER_AGENT}, body)
