"""Keeps the hub's processes running on one machine (roof): the database first, then everything else at once.

A child that ends is started again; the children die with the supervisor, whatever kills it. The main thread
alone handles signals and starts children.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from hub.launcher.errors import CannotStart, last_line, mend_for
from hub.launcher.home import PROJECT, Home, write_private
from hub.launcher.migrations import is_migrated, note_migrated
from hub.launcher.ports import refuse_taken_port, web_answers
from hub.launcher.postgres import EmbeddedPostgres
from hub.launcher.processes import Child, finish, open_program, wait_until

_TICK = 0.1  # seconds
_LONGEST_PAUSE = 10.0
_STEADY = 60.0  # seconds up, after which earlier failures are forgotten
_TRIES_AT_START = 3
_ONE_WISH = 0.5  # seconds; make, the terminal and a container may each send the same wish to stop

# What each process runs, after the name of the Python that runs the launcher.
_COMMANDS = {
    "web": "-m gunicorn hub.wsgi:application --bind 127.0.0.1:{port} --worker-class gthread --threads 8"
    " --graceful-timeout 5 --log-level warning --no-control-socket",
    "worker": "-m celery -A hub.celery:app worker --pool threads --concurrency 2 --without-gossip"
    " --without-mingle --loglevel WARNING",
    "beat": "-m celery -A hub.celery:app beat --pidfile= --loglevel WARNING --schedule",
    "relay": "manage.py relay",
    "index": "manage.py index",
}


class Stopped(Exception):
    """A signal asked the supervisor to stop."""


@dataclass
class _Watched:
    child: Child
    failures: int = 0
    since: float = 0.0
    again_at: float | None = None


class Supervisor:
    """Starts, watches and stops the processes of one home; `tell` prints a line for a person to read."""

    def __init__(
        self,
        home: Home,
        *,
        port: int,
        tell: Callable[[str], None],
        extra_environment: dict[str, str] | None = None,
    ) -> None:
        self.home = home
        self.port = port
        self._tell = tell
        self._extra = extra_environment or {}
        self._database = None if os.environ.get("DATABASE_URL") else EmbeddedPostgres(home)
        self._watched: list[_Watched] = []
        self._stopping_since: float | None = None
        self.environment: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(
        self, *, meanwhile: Callable[[], None] | None = None, answering: Callable[[], None] | None = None
    ) -> None:
        """Start everything; returns when the web process answers and the others are on their way.

        `meanwhile` is called when the database is migrated and the web process is starting, `answering` when it
        answers. Both get the processors to themselves first, because a person is waiting for them; the others want
        seconds of both. Raises CannotStart.
        """
        refuse_taken_port(self.port)
        self.start_database()
        self._tell("Starting web, worker, beat, relay and index")
        web, *others = self._children()
        self._start(web)
        if meanwhile is not None:
            meanwhile()
        if not self._wait_for_web(seconds=60.0):
            raise CannotStart(f"The web process does not answer ({last_line(web.log) or 'no word'}): see {web.log}.")
        if answering is not None:
            answering()
        for child in others:
            self._start(child)

    def _start(self, child: Child) -> None:
        self._interruptible()
        child.start()
        self._watched.append(_Watched(child, since=time.monotonic()))

    def start_database(self) -> None:
        """Start the embedded database, unless DATABASE_URL names another, and migrate. Raises CannotStart."""
        if self._database is not None:
            self._tell("Starting PostgreSQL")
            url = self._database.start()
            if self._database.child is not None:
                self._watched.append(_Watched(self._database.child, since=time.monotonic()))
        else:
            url = os.environ["DATABASE_URL"]
        self.environment = {**self.home.environment(database_url=url), **self._extra}
        write_private(self.home.database_url_file, url)
        self._interruptible()
        self._migrate(url)

    def _migrate(self, url: str) -> None:
        ours = self._database is not None
        if ours and is_migrated(url):
            return
        self._tell("Bringing the database's tables up to date")
        self.manage("migrate", "--no-input", "--verbosity", "0")
        if ours:
            note_migrated(url)

    def manage(self, *arguments: str) -> str:
        """Run a management command to its end; gives what it printed. Raises CannotStart."""
        log = self.home.logs / f"{arguments[0]}.log"
        offset = log.stat().st_size if log.exists() else 0
        command = [sys.executable, "manage.py", *arguments]
        program = open_program(command, environment=self.environment, folder=PROJECT, log=log)
        code, printed = finish(program, each_tick=self._interruptible)
        if code:
            reason = last_line(log, starting_at=offset) or f"exit code {code}"
            mend = mend_for(reason, folder=self.home.folder)
            raise CannotStart(f"`manage.py {arguments[0]}` failed ({reason}): {mend}. Log: {log}")
        return printed

    def _wait_for_web(self, *, seconds: float) -> bool:
        def ready() -> bool:
            self.tick()
            self._refuse_hopeless()
            return web_answers(self.port)

        return wait_until(ready, seconds=seconds)

    def _refuse_hopeless(self) -> None:
        for watched in self._watched:
            if watched.failures >= _TRIES_AT_START:
                child = watched.child
                reason = last_line(child.log) or child.ending or "no word"
                raise CannotStart(f"{child.name} does not stay up ({reason}): see {child.log}.")

    def _children(self) -> Iterator[Child]:
        for name, command in _COMMANDS.items():
            arguments: list[str | Path] = [sys.executable, *command.format(port=self.port).split()]
            if name == "beat":
                arguments.append(self.home.run / "beat-schedule")  # a path may hold spaces
            yield Child(
                name=name,
                arguments=arguments,
                log=self.home.logs / f"{name}.log",
                pid_file=self.home.run / f"{name}.pid",
                environment=self.environment,
                folder=PROJECT,
                # Quick, but through gunicorn's own hands, so that its worker lets go of the port.
                death_signal=signal.SIGQUIT if name == "web" else signal.SIGKILL,
            )

    def tick(self) -> None:
        """One look at every child. Raises Stopped when a signal came in."""
        self._interruptible()
        now = time.monotonic()
        for watched in self._watched:
            if watched.child.running:
                if now - watched.since > _STEADY:
                    watched.failures = 0
            elif watched.again_at is None:
                pause = 0.0 if watched.failures == 0 else min(_LONGEST_PAUSE, 0.25 * 2**watched.failures)
                watched.failures += 1
                watched.again_at = now + pause
                self._tell(self._obituary(watched, pause))
            elif now >= watched.again_at:
                self._start_again(watched)

    def _start_again(self, watched: _Watched) -> None:
        try:
            watched.child.start()
        except CannotStart as error:
            watched.again_at = time.monotonic() + _LONGEST_PAUSE
            self._tell(str(error))
        else:
            watched.since, watched.again_at = time.monotonic(), None

    @staticmethod
    def _obituary(watched: _Watched, pause: float) -> str:
        child = watched.child
        again = "starting it again" if pause == 0 else f"starting it again in {pause:.1f} s"
        reason = last_line(child.log, starting_at=child.log_offset)
        words = f": {reason[:160]}" if reason and watched.failures > 1 else ""
        return f"{child.name} ended ({child.ending}), {again}{words}"

    def watch(self) -> NoReturn:
        """Keep the children up until a signal asks to stop (raises Stopped)."""
        while True:
            self.tick()
            time.sleep(_TICK)

    def _interruptible(self) -> None:
        if self._stopping_since is not None:
            raise Stopped

    def stop(self) -> None:
        """Stop in order: the web process first, so that nothing new comes in; the database last."""
        rows: dict[str, list[Child]] = {"web": [], "others": [], "postgres": []}
        for watched in self._watched:
            rows[watched.child.name if watched.child.name in rows else "others"].append(watched.child)
        for row in rows.values():
            for child in row:
                child.ask_to_stop()
            for child in row:
                child.wait_or_kill()
        self._watched.clear()

    def kill(self) -> None:
        """Stop at once. Nothing is lost: what was not finished is taken up at the next start."""
        for watched in reversed(self._watched):
            watched.child.kill()

    @contextmanager
    def signals(self) -> Iterator[None]:
        """While this is open, SIGINT and SIGTERM stop the hub in order, and a second one kills it."""

        def on_signal(number: int, frame: FrameType | None) -> None:
            now = time.monotonic()
            if self._stopping_since is None:
                self._stopping_since = now
            elif now - self._stopping_since > _ONE_WISH:
                self.kill()
                os._exit(128 + number)

        before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
