"""A child process that can't outlive its parent (roof): start, stop, and its log and pid file."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub.launcher.errors import CannotStart

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOG_LIMIT = 5_000_000  # bytes; a log that is longer at a start becomes NAME.log.1
# Resolved before any fork: between fork and exec only a plain call is safe.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Owner:
    """The operating-system user that a child runs as."""

    name: str
    uid: int
    gid: int


def _die_with(parent: int, death_signal: int) -> Callable[[], None]:
    """What the child does before it becomes its program: ask the kernel for a signal at its parent's death.

    The signal goes out when the *thread* that started the child ends: only the main thread starts children.
    """

    def leash() -> None:
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:  # the parent died before the leash was on
                os._exit(1)

    return leash


@dataclass
class Child:
    """One program that is kept running. `death_signal` is what it gets when its parent is gone."""

    name: str
    arguments: Sequence[str | Path]
    log: Path
    pid_file: Path
    environment: Mapping[str, str]
    folder: Path
    owner: Owner | None = None
    death_signal: int = signal.SIGKILL
    stop_signal: int = signal.SIGTERM
    patience: float = 10.0  # seconds from the stop signal to the kill
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    log_offset: int = field(default=0, init=False)  # bytes of the log that belong to earlier runs

    def start(self) -> None:
        """Start the program. Raises CannotStart when the operating system refuses."""
        try:
            self._keep_log_short()
            with self.log.open("ab") as log:
                self.log_offset = log.tell()
                self.process = subprocess.Popen(
                    [str(argument) for argument in self.arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    env=dict(self.environment),
                    # A session of its own: Ctrl-C reaches the supervisor only, which stops children in order.
                    start_new_session=True,
                    user=self.owner.uid if self.owner else None,
                    group=self.owner.gid if self.owner else None,
                    extra_groups=[] if self.owner else None,
                    preexec_fn=_die_with(os.getpid(), self.death_signal),  # noqa: PLW1509 - see _prctl
                )
        except OSError as error:
            raise CannotStart(f"{self.name} can't be started: {error}.") from None
        with contextlib.suppress(OSError):  # a full disk: the pid file is a convenience, the process counts
            self.pid_file.write_text(f"{self.process.pid}\n", encoding="ascii")

    def _keep_log_short(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def ending(self) -> str:
        """How the program ended, in words; "" while it runs."""
        code = self.process.poll() if self.process else None
        if code is None:
            return ""
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def ask_to_stop(self) -> None:
        if self.process is not None and self.running:
            self.process.send_signal(self.stop_signal)

    def wait_or_kill(self) -> None:
        """Wait for the end, at most `patience` seconds; then kill the program and what it started."""
        if self.process is None:
            return
        try:
            self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.kill()
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.ask_to_stop()
        self.wait_or_kill()


def run_as(owner: Owner | None, arguments: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a short program to its end, as `owner`, from the root folder (which everybody may enter)."""
    return subprocess.run(
        [str(argument) for argument in arguments],
        cwd="/",
        env={**os.environ, "LC_ALL": "C"},
        user=owner.uid if owner else None,
        group=owner.gid if owner else None,
        extra_groups=[] if owner else None,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        preexec_fn=_die_with(os.getpid(), signal.SIGKILL),
    )


def open_program(
    arguments: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[str]:
    """Start a program that comes to its own end; what it prints is for the caller, its errors go to `log`."""
    with log.open("ab") as errors:
        return subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
            text=True,
            preexec_fn=_die_with(os.getpid(), signal.SIGKILL),  # noqa: PLW1509 - see _prctl
        )


def finish(
    program: subprocess.Popen[str], *, each_tick: Callable[[], None], given: str | None = None
) -> tuple[int, str]:
    """Give a program its input and wait for its end; gives its exit code and what it printed.

    `each_tick` is called ten times a second; when it raises, the program is stopped first.
    """
    with program:
        while True:
            try:
                printed, _ = program.communicate(given, timeout=0.1)
            except subprocess.TimeoutExpired:
                given = None  # the first call has sent it
                try:
                    each_tick()
                except BaseException:
                    program.kill()
                    raise
            else:
                return program.returncode, printed


def wait_until(ready: Callable[[], bool], *, seconds: float, every: float = 0.03) -> bool:
    """Ask again and again until `ready()` or the time is over; says which."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
