"""manage.py index: keep this host's snapshots of the near index new (floor 7).

One on each host that has web processes or workers. Without it every answer is still complete, and takes longer and
longer.
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error, connection

from sharing import signal_types
from sharing.matching.index import ENGINE
from sharing.matching.index.building import TAIL_ROWS, Builder

log = structlog.get_logger(__name__)
LOOK_SECONDS: Final = 2.0


class Command(BaseCommand):
    help = "Keeps this host's snapshots of the near index new. Run one on each host; a second one waits."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopping = threading.Event()
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        ENGINE.warm_up()
        builder = Builder(Path(settings.INDEX_FOLDER))
        log.info("index.watching", folder=str(settings.INDEX_FOLDER), first_built_at_rows=TAIL_ROWS)
        while not self.stopping.wait(LOOK_SECONDS):
            try:
                for signal_type in signal_types.NEAR:
                    builder.build_if_due(signal_type)
            except Error as error:
                log.warning("index.database_away", error=type(error).__name__)
                connection.close()
            except OSError as error:
                # A full disk, or a folder that is not ours. The old snapshot stays; the next look tries again.
                log.error("index.not_written", folder=settings.INDEX_FOLDER, error=error.strerror)

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping.set()
