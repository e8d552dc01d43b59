"""The folder that is the one-command set-up's broker (roof): kombu's own transport, made to publish whole files.

Kombu creates a file and then writes it. A reader that comes in between finds half a message, or none, and a worker that
can't read a message ends. Here a file gets its name when all of it is written.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    # The two classes above this one disagree on the second name.
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        # Kombu's reader sorts by this name, and takes the queue's from behind the first full stop.
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        file = Path(self.data_folder_out, name)
        with _written(file, dumps(payload)) as fresh:  # type: ignore[no-untyped-call]
            fresh.replace(file)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        # Kombu locks its table of queues when it changes it, but not between creating and filling it.
        table = self._exchange_file(exchange)  # type: ignore[no-untyped-call]
        if not table.exists():
            # A link fails where another process was first; a rename would undo what that one has written.
            with _written(table, "[]") as fresh, contextlib.suppress(FileExistsError):
                os.link(fresh, table)
        super()._queue_bind(exchange, routing_key, pattern, queue)  # type: ignore[no-untyped-call]


class Transport(filesystem.Transport):
    Channel = Channel


@contextlib.contextmanager
def _written(file: Path, text: str) -> Iterator[Path]:
    """A file beside this one that holds the text, removed afterwards where it still has that name. Raises OSError."""
    fresh = file.with_name(f"{uuid.uuid4()}.{file.name}.fresh")
    try:
        fresh.write_text(text, encoding="utf-8")
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)
