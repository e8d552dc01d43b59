"""Secrets of endpoints, encrypted in the database and read again to sign with (floor 5)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import structlog
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from hub.encryption import Undecipherable, decrypt, encrypt, encrypt_again
from hub.errors import Conflict
from sharing.notifications.models import WebhookEndpoint, WebhookSecret
from sharing.notifications.signing import new_secret

log = structlog.get_logger(__name__)

MOST_OVERLAP: Final = timedelta(days=7)


def live() -> Q:
    return Q(expires_at=None) | Q(expires_at__gt=Now())


def add_secret(endpoint: WebhookEndpoint, *, overlap: timedelta) -> str:
    """A new secret; the one before goes on signing beside it for `overlap`. The caller holds the endpoint's row.

    Raises Conflict when an overlap would leave three: two are enough for any change, and each makes a message longer.
    """
    earlier = WebhookSecret.objects.filter(endpoint=endpoint)
    earlier.exclude(live()).delete()
    if not overlap:
        earlier.delete()
    elif earlier.filter(expires_at__isnull=False).exists():
        raise Conflict("Two secrets sign already. Wait until the older one ends, or send overlap_hours: 0.")
    else:
        earlier.update(expires_at=timezone.now() + overlap)
    secret = new_secret()
    WebhookSecret.objects.create(endpoint=endpoint, encrypted=encrypt(secret, about=_about(endpoint)))
    return secret


def live_secrets(endpoints: Iterable[WebhookEndpoint]) -> dict[int, list[str]]:
    """By the endpoint's id, newest first. One that can't be read is left out, and logged."""
    known = {endpoint.pk: endpoint for endpoint in endpoints}
    found: dict[int, list[str]] = {pk: [] for pk in known}
    for row in WebhookSecret.objects.filter(live(), endpoint__in=known).order_by("-pk"):
        try:
            found[row.endpoint_id].append(decrypt(row.encrypted, about=_about(known[row.endpoint_id])))
        except Undecipherable:
            log.error("webhook.secret_unreadable", endpoint=str(known[row.endpoint_id].uuid))
    return found


def reencrypt_secrets() -> tuple[int, int]:
    """Bring every secret under the active key. Gives how many were, and how many can't be read."""
    done = unreadable = 0
    for row in WebhookSecret.objects.iterator():
        try:
            encrypted = encrypt_again(row.encrypted)
        except Undecipherable:
            unreadable += 1
            continue
        done += WebhookSecret.objects.filter(pk=row.pk).update(encrypted=encrypted)
    return done, unreadable


def _about(endpoint: WebhookEndpoint) -> str:
    return f"webhook {endpoint.uuid}"
