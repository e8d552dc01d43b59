"""The hub's processes as in production, on the scratch database, for benchmarks (floor 7)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError

from sharing import signal_types
from sharing.management.scratch import NAME
from sharing.matching.index.building import Builder

WEB: Final = (
    "-m gunicorn hub.wsgi:application --bind 127.0.0.1:{port} --worker-class gthread --workers 2 --threads 4"
    " --log-level warning --no-control-socket"
)
# Two processes, as in the container set-up.
WORKER: Final = (
    "-m celery -A hub.celery:app worker --concurrency 2 --without-gossip --without-mingle --loglevel WARNING"
)
RELAY: Final = "manage.py relay"
INDEX: Final = "manage.py index"


def indexed(home: Path) -> Path:
    """The folder, with the snapshots that `manage.py index` would have put there."""
    builder = Builder(home / "index")
    for signal_type in signal_types.NEAR:
        builder.build_if_due(signal_type)
    return home


@contextmanager
def running(home: Path, *commands: str) -> Iterator[tuple[int, list[int]]]:
    """These processes, until the end of the block; (port of the web process, ids of the first one's children)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = urlsplit(os.environ.get("DATABASE_URL") or "postgresql:///hub")._replace(path=f"/{NAME}").geturl()
    environment = {
        **os.environ, "DATABASE_URL": url, "HUB_HTTPS": "false", "HUB_API_RATE_PER_MINUTE": "100000000",
        "HUB_DEMO": "false", "HUB_DEBUG": "false", "HUB_LOG_LEVEL": "INFO", "HUB_HOME": str(home),
        "HUB_INDEX_FOLDER": str(home / "index"),
    }  # fmt: skip
    with ExitStack() as stack:
        log = stack.enter_context((home / "processes.log").open("w"))
        processes = []
        for command in commands:
            process = subprocess.Popen(  # noqa: S603 - nothing from outside
                [sys.executable, *command.format(port=port).split()], cwd=settings.BASE_DIR, env=environment,
                stdout=log, stderr=log,
            )  # fmt: skip
            stack.callback(_stop, process)
            processes.append(process)
        _wait_for(port)
        yield port, children_of(processes[0].pid)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port)) as one:
                one.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
                if b" 200 " in one.recv(100):
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise CommandError("The web process does not start.")


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in found.read_text().split()] if found.exists() else []


def cpu_seconds(pids: list[int]) -> float:
    """CPU time of these processes so far; 0 where there is no /proc."""
    total = 0.0
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():
            total += sum(int(part) for part in stat.read_text().rpartition(")")[2].split()[11:13])
    return total / os.sysconf("SC_CLK_TCK")
