"""The demo and the smoke run (roof): start everything, run the main job once, show or check what matched."""

from __future__ import annotations

import hashlib
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
from hub.launcher.home import PROJECT, Home, write_private
from hub.launcher.place import remove_database
from hub.launcher.ports import free_port
from hub.launcher.processes import finish, open_program
from hub.launcher.records import fingerprint_of_people
from hub.launcher.screen import summary, welcome
from hub.launcher.supervisor import Stopped, Supervisor

_PRINTED_BY_SMOKE = ("submitted", "matched", "expected", "p50_ms", "p95_ms")
_TELL_THE_STORY = (
    "hub/launcher/scenario.py",
    "hub/launcher/pictures.py",
    "hub/launcher/blinding.py",
    "sharing/management/commands/demo_data.py",
    "requirements/base.txt",
)
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
            kept = _kept(home.demo_file)
            if kept:
                _show_again(supervisor, kept, tell)
            else:
                _show_first(supervisor, tell)
            supervisor.watch()
        except Stopped:
            tell("Stopping (a few seconds); the data stays for the next start")
    return 0


def _show_first(supervisor: Supervisor, tell: Tell) -> None:
    keys = _first_start(supervisor, tell)
    print(welcome(keys, url=supervisor.url), flush=True)
    with _staying_up(tell):
        _run_and_show(supervisor, keys, tell)


def _show_again(supervisor: Supervisor, kept: dict[str, Any], tell: Tell) -> None:
    """After an earlier start: the way in as soon as the portal answers, then what matched.

    Where the demo's data are as they were left, they are read and shown; otherwise they are completed first.
    """
    shown = False

    def show() -> None:
        nonlocal shown
        print(welcome(kept, url=supervisor.url), flush=True)
        report = _earlier_report(supervisor, kept, tell)
        if report:
            print(summary(report, kept, url=supervisor.url), flush=True)
            shown = True

    supervisor.start(answering=show)
    if shown:
        return
    with _staying_up(tell):
        keys = _demo_data(supervisor, tell)
        if keys != kept:
            print(welcome(keys, url=supervisor.url), flush=True)
        _run_and_show(supervisor, keys, tell)


@contextmanager
def _staying_up(tell: Tell) -> Iterator[None]:
    """Members and people have changed things since the first start: that is no reason to take the hub from them."""
    try:
        yield
    except CannotStart as error:
        tell(f"What matched can't be shown: {error}")
        tell("The hub stays up. To have the demo as it was, stop it and run `make clean-demo`")


def _run_and_show(supervisor: Supervisor, keys: dict[str, Any], tell: Tell) -> None:
    report = _main_job(supervisor, keys, tell)
    if report["matched"] == report["expected"] and not report["obstacles"]:
        _note_run(supervisor, keys, report)
    print(summary(report, keys, url=supervisor.url), flush=True)


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
    for obstacle in report["obstacles"]:
        tell(obstacle)
    if report["unexpected"]:
        tell(f"Not expected: {report['unexpected']} matches")
    return 0 if _passed(report) else 1


def _passed(report: dict[str, Any]) -> bool:
    whole = bool(report) and report["matched"] == report["expected"]
    return whole and not report["unexpected"] and not report["obstacles"]


def _supervisor(home: Home, *, port: int, tell: Tell) -> Supervisor:
    return Supervisor(home, port=port, tell=tell, extra_environment={"HUB_DEMO": "true"})


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


def _kept(file: Path) -> dict[str, Any]:
    """What an earlier run has left in a file; empty when there is nothing that can be read."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


_NOTED = {"story", "people", "there", "try"}


def _note_run(supervisor: Supervisor, keys: dict[str, Any], report: dict[str, Any]) -> None:
    """Keep what the next start compares with what it finds; see `_earlier_report`."""
    note = {
        "story": _fingerprint_of_story(),
        "people": _fingerprint_of_people(supervisor, keys),
        "there": report["there"],
        "try": report["try"],
    }
    write_private(supervisor.home.demo_run_file, json.dumps(note))


def _earlier_report(supervisor: Supervisor, keys: dict[str, Any], tell: Tell) -> dict[str, Any] | None:
    """What the data of an earlier start have led to; None when anything of them or of the story has changed."""
    note = _kept(supervisor.home.demo_run_file)
    if note.keys() != _NOTED or note["story"] != _fingerprint_of_story():
        return None
    if not note["people"] or note["people"] != _fingerprint_of_people(supervisor, keys):
        return None
    tell("Reading what matched at an earlier start")
    order = {"url": supervisor.url, "keys": keys, "there": note["there"]}
    report: dict[str, Any] | None = _program("earlier_run", order, supervisor)
    return report and {**report, "try": note["try"]}


def _fingerprint_of_story() -> str:
    """Changes with whatever decides which people, pictures and hashes the demo has."""
    digest = hashlib.sha256()
    for name in _TELL_THE_STORY:
        digest.update((PROJECT / name).read_bytes())
    return digest.hexdigest()[:32]


def _fingerprint_of_people(supervisor: Supervisor, keys: dict[str, Any]) -> str:
    emails = [user["email"] for user in keys["users"]]
    return fingerprint_of_people(supervisor.environment["DATABASE_URL"], emails)


def _main_job(supervisor: Supervisor, keys: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Gives the main job's report."""
    tell("Drawing pictures, submitting their hashes over HTTP, waiting for the matches")
    report: dict[str, Any] = _program("main_job", {"url": supervisor.url, "keys": keys}, supervisor)
    return report


def _program(name: str, order: dict[str, Any], supervisor: Supervisor) -> Any:
    """Run one of the launcher's programs; gives what it answers. Raises CannotStart."""
    log = supervisor.home.logs / f"{name.replace('_', '-')}.log"
    offset = log.stat().st_size if log.exists() else 0
    program = open_program(
        [sys.executable, "-m", f"hub.launcher.{name}"],
        environment=os.environ,
        folder=PROJECT,
        log=log,
        stdin=subprocess.PIPE,
    )
    code, printed = finish(program, each_tick=supervisor.tick, given=f"{json.dumps(order)}\n")
    if code:
        reason = last_line(log, starting_at=offset) or f"exit code {code}"
        raise CannotStart(f"{reason} Log: {log}")
    return json.loads(printed)
