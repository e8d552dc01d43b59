"""Does at once, in this process, what relay and worker do."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.utils.module_loading import import_string

from accounts.models import Organisation
from hub.outbox.models import OutboxEvent
from sharing.notifications.models import WebhookDelivery, WebhookEndpoint
from sharing.notifications.sending import send_due
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from tests import factories

SAME = [("md5", "900150983cd24fb0d6963f7d28e17f72")]


def work() -> None:
    """Until no piece of work is left; sends what is due."""
    while event := OutboxEvent.objects.filter(done_at=None).order_by("pk").first():
        import_string(settings.OUTBOX_ROUTES[event.topic])([event.pk])


def later(**span: float) -> None:
    """So much later: what waits comes nearer, and what was long ago is longer ago."""
    time = timedelta(**span)
    WebhookDelivery.objects.update(due_at=F("due_at") - time)
    WebhookEndpoint.objects.update(paused_until=F("paused_until") - time, failing_since=F("failing_since") - time)
    send_due()


def submit(organisation: Organisation, group: SharingGroup) -> Signal:
    return factories.submit(organisation, group, indicators=SAME)


def only_delivery() -> WebhookDelivery:
    return WebhookDelivery.objects.get()
