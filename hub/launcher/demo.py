"""The demo and the smoke run (roof): start everything, run the main job once, show or check what matched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hub.launcher.errors import CannotStart, last_line
from hub.launcher.home import PROJECT, Home
from hub.launcher.place import remove_database
from hub.launcher.ports import free_port
from hub.launcher.processes import finish, open_program
from hub.launcher.screen import summary, welcome
from hub.launcher.supervisor import Stopped, Supervisor

_PRINTED_BY_SMOKE = ("submitted", "matched", "expected", "p50_ms", "p95_ms")
Tell = Callable[[str], None]


@contextmanager
def running(supervisor: Supervisor) -> Iterator[None]:
    """Signals are heeded inside; whatever happens, everything is stopped at the end."""
    with supervisor.signals():
        try:
            yield
        finally:
            supervisor.stop()


def show_demo(home: Home, *, port: int, tell: Tell) -> int:
    """`demo`: everything up, the main job, its summary; then stays until a signal. Gives the exit code."""
    supervisor = _supervisor(home, port=port, tell=tell)
    with running(supervisor):
        try:
            keys = _welcome(supervisor, tell)
            report = _main_job(supervisor, keys, tell)
            print(summary(report, keys, url=supervisor.url), flush=True)
            supervisor.watch()
        except Stopped:
            tell("Stopping (a few seconds); the data stays for the next start")
    return 0


def smoke(*, tell: Tell) -> int:
    """`smoke`: the main job once in a temporary home; one line of JSON. Gives the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="hub-smoke-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)  # ours; root's database runs as another user, who must pass through
    home = Home(folder)
    report: dict[str, Any] = {}
    try:
        home.open()
        supervisor = _supervisor(home, port=free_port(), tell=tell)
        with running(supervisor):
            report = _main_job(supervisor, _first_start(supervisor, tell), tell)
    except Stopped:
        tell("Stopped before the main job had ended")
    finally:
        remove_database(home)
        home.close()
        if _passed(report):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            tell(f"The logs are in {home.logs}")
    if not report:
        return 1
    print(json.dumps({name: report[name] for name in _PRINTED_BY_SMOKE}), flush=True)
    for row in report["rows"]:
        if row["missed"]:
            tell(f"Missed: {' and '.join(row['signals'])} by {', '.join(row['missed'])}")
    if report["unexpected"]:
        tell(f"Not expected: {report['unexpected']} matches")
    return 0 if _passed(report) else 1


def _passed(report: dict[str, Any]) -> bool:
    return bool(report) and report["matched"] == report["expected"] and not report["unexpected"]


def _supervisor(home: Home, *, port: int, tell: Tell) -> Supervisor:
    return Supervisor(home, port=port, tell=tell, extra_environment={"HUB_DEMO": "true"})


def _welcome(supervisor: Supervisor, tell: Tell) -> dict[str, Any]:
    """Start everything and show the way in; gives the members' keys and sign-ins.

    After an earlier run the way in is shown as soon as the portal answers, and checked afterwards.
    """
    kept = _kept(supervisor.home)
    if not kept:
        keys = _first_start(supervisor, tell)
    else:
        supervisor.start()
        print(welcome(kept, url=supervisor.url), flush=True)
        keys = _demo_data(supervisor, tell)
    if keys != kept:
        print(welcome(keys, url=supervisor.url), flush=True)
    return keys


def _first_start(supervisor: Supervisor, tell: Tell) -> dict[str, Any]:
    """Start everything and make the demo's members at the same time; gives their keys and sign-ins."""
    keys: dict[str, Any] = {}
    supervisor.start(meanwhile=lambda: keys.update(_demo_data(supervisor, tell)))
    return keys


def _demo_data(supervisor: Supervisor, tell: Tell) -> dict[str, Any]:
    tell("Making sure of the demo's organisations, users and keys")
    printed = supervisor.manage("demo_data", "--json", "--keep", str(supervisor.home.demo_file))
    keys: dict[str, Any] = json.loads(printed)
    return keys


def _kept(home: Home) -> dict[str, Any]:
    """Keys and sign-ins of an earlier run; empty when there are none that can be read."""
    try:
        kept: dict[str, Any] = json.loads(home.demo_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return kept


def _main_job(supervisor: Supervisor, keys: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Gives the main job's report."""
    tell("Drawing pictures, submitting their hashes over HTTP, waiting for the matches")
    log = supervisor.home.logs / "main-job.log"
    offset = log.stat().st_size if log.exists() else 0
    job = open_program(
        [sys.executable, "-m", "hub.launcher.main_job"],
        environment=os.environ,
        folder=PROJECT,
        log=log,
        stdin=subprocess.PIPE,
    )
    order = json.dumps({"url": supervisor.url, "keys": keys})
    code, printed = finish(job, each_tick=supervisor.tick, given=f"{order}\n")
    if code:
        reason = last_line(log, starting_at=offset) or f"exit code {code}"
        raise CannotStart(f"{reason} Log: {log}")
    report: dict[str, Any] = json.loads(printed)
    return report
