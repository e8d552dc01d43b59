"""The Celery application (roof). Work is a row in the outbox before it is a message here: see hub.outbox."""

import os

from celery import Celery
from celery.signals import beat_init, worker_init
from django.core.exceptions import ImproperlyConfigured

from hub.checks import refuse_to_start_broken

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

app = Celery("hub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["hub.outbox", "sharing"])


@worker_init.connect  # type: ignore[untyped-decorator]
@beat_init.connect  # type: ignore[untyped-decorator]
def _check(**_: object) -> None:
    try:
        refuse_to_start_broken()
    except ImproperlyConfigured as error:
        # Celery logs an ordinary exception of a receiver and goes on.
        raise SystemExit(str(error)) from None
