"""manage.py relay: hand due outbox rows to Celery, woken by PostgreSQL's NOTIFY and by the clock (ground)."""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import Any

import psycopg
import structlog
from django.core.management.base import BaseCommand
from django.db import Error, connection

from hub.outbox.services import CHANNEL, CLAIM_LIMIT, relay_due

log = structlog.get_logger(__name__)
SWEEP_SECONDS = 1.0
AWAY_SECONDS = 0.5


class Command(BaseCommand):
    help = "Hands work from the outbox to the workers. Any number may run; each row is claimed by one of them."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopping = False
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        while not self.stopping:
            try:
                self.listen()
            except (Error, psycopg.Error) as error:  # the driver's own comes out of notifies()
                log.warning("relay.database_away", error=type(error).__name__)
                connection.close()
                time.sleep(AWAY_SECONDS)

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def listen(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        while not self.stopping:
            while relay_due() == CLAIM_LIMIT and not self.stopping:
                pass
            for _ in connection.connection.notifies(timeout=SWEEP_SECONDS, stop_after=1):
                pass
