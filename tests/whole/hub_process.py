"""A whole hub as real processes: the launcher's supervisor, and all that it starts.

A test may kill any of them and start the hub again. `close` ends every process by its id, whatever happened before.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psutil
import psycopg

from hub.launcher.home import PROJECT, Home
from hub.launcher.ports import free_port, web_answers
from hub.launcher.processes import Child, wait_until

CHILDREN = ("web", "worker", "beat", "relay", "index")
# What the test run itself was given, and a hub of its own must not inherit.
_NOT_INHERITED = ("HUB_", "DATABASE_URL", "BROKER_URL", "CACHE_URL", "DJANGO_", "PYTEST_")
_INHERITED_ANYWAY = ("HUB_PG_BIN",)
_PLAIN_HTTP = {"HUB_HTTPS": "false"}


def clean_environment() -> dict[str, str]:
    """The test run's environment without what names the database, the keys and the home of the test run itself."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _INHERITED_ANYWAY or not name.startswith(_NOT_INHERITED)
    }


@dataclass(frozen=True, slots=True)
class Services:
    """A PostgreSQL and a broker that run already (make test-services)."""

    database_url: str
    broker_url: str

    @classmethod
    def given(cls) -> Services | None:
        """None: the hub brings its own. Both are needed: the test run's own database is in DATABASE_URL too."""
        database = os.environ.get("HUB_TEST_DATABASE_URL") or os.environ.get("DATABASE_URL", "")
        broker = os.environ.get("BROKER_URL", "")
        return cls(database, broker) if database and broker and "filesystem" not in broker else None

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.database_url)._replace(path=f"/{database}"))

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


class HubProcess:
    """One hub with a home of its own on a free port. With `services`, its database is a fresh one on that server."""

    def __init__(self, home: Path, services: Services | None = None, **environment: str) -> None:
        self.home = home
        self.services = services
        self.port = free_port()
        self._extra = {**_PLAIN_HTTP, **environment}
        self._own_database = f"hub_whole_{os.getpid()}_{self.port}" if services else ""
        if services:
            services.run(f"CREATE DATABASE {self._own_database}")
        self._supervisor = Child(
            name="supervisor",
            arguments=[sys.executable, "-m", "hub.launcher", "up", "--port", str(self.port)],
            log=home / "supervisor.log",
            pid_file=home / "supervisor.pid",
            environment=self.environment(),
            folder=PROJECT,
            patience=60.0,
        )
        self._seen: set[psutil.Process] = set()
        home.mkdir(mode=0o711, parents=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        return (self.home / "run" / "database-url").read_text(encoding="utf-8").strip()

    def environment(self, **more: str) -> dict[str, str]:
        kept = clean_environment()
        if self.services:
            kept["DATABASE_URL"] = self.services.url_of(self._own_database)
            kept["BROKER_URL"] = self.services.broker_url
        return {**kept, "HUB_HOME": str(self.home), **self._extra, **more}

    def start(self) -> None:
        """Start everything; returns when the web process reaches its database and every child has been started."""
        self._supervisor.start()
        ready = wait_until(lambda: self.ends_early or self.is_ready, seconds=90.0, every=0.1)
        assert ready and not self.ends_early, f"the hub does not start: {self.last_words()}"
        self._note_processes()

    @property
    def ends_early(self) -> bool:
        return not self._supervisor.running

    @property
    def is_ready(self) -> bool:
        return web_answers(self.port) and all(self.pid_of(name) for name in CHILDREN)

    def wait_ready(self) -> None:
        assert wait_until(lambda: self.is_ready, seconds=60.0, every=0.05), self.last_words()
        self._note_processes()

    def last_words(self) -> str:
        """The end of every log, for the message of a test that fails."""
        logs = [self.home / "supervisor.log", *sorted((self.home / "logs").glob("*.log"))]
        ends = [(log.name, log.read_text(encoding="utf-8", errors="replace")[-1500:]) for log in logs if log.exists()]
        return "\n".join((f"(logs in {self.home})", *(f"== {name}\n{end}" for name, end in ends)))

    def pid_of(self, name: str) -> int | None:
        """Pid of a running child, or of the supervisor; None while there is none."""
        file = self.home / "supervisor.pid" if name == "supervisor" else self.home / "run" / f"{name}.pid"
        try:
            pid = int(file.read_text(encoding="ascii"))
            alive = psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None
        return pid if alive else None

    def kill(self, name: str) -> None:
        """SIGKILL a child ("postgres" too), and wait until it is dead: the supervisor starts it again."""
        self._note_processes()
        pid = self.pid_of(name)
        assert pid is not None, f"{name} does not run: {self.last_words()}"
        os.kill(pid, signal.SIGKILL)
        # On a busy machine a process lives on for a moment, and would be taken for one that is ready again.
        assert wait_until(lambda: self.pid_of(name) != pid, seconds=30.0, every=0.005), f"{name} survives SIGKILL"

    def kill_database(self) -> None:
        """SIGKILL PostgreSQL itself. One that others may use too only has all connections to it cut."""
        if not self.services:
            self.kill("postgres")
            return
        with self.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def kill_supervisor(self) -> None:
        """SIGKILL the supervisor, and wait until all that it had started is gone too."""
        self._note_processes()
        children = [process for process in self._seen if process.is_running()]
        self._supervisor.kill()
        _gone, left = psutil.wait_procs(children, timeout=30.0)
        assert not left, f"the supervisor was killed and these live on: {left}"

    def close(self, *, keep: bool = False) -> None:
        """End every process by its id and delete the home, unless it is to be looked at."""
        try:
            if self._supervisor.running:
                self.kill_supervisor()
        finally:
            left = [process for process in self._seen if process.is_running()]
            for process in left:
                process.kill()
            psutil.wait_procs(left, timeout=10.0)
            if not keep:
                self._clear_away()

    def _clear_away(self) -> None:
        self.launcher("clean")  # knows where else the database may be
        if self.services:
            self.services.run(f"DROP DATABASE IF EXISTS {self._own_database} WITH (FORCE)")
        shutil.rmtree(self.home, ignore_errors=True)

    def _note_processes(self) -> None:
        pid = self.pid_of("supervisor")
        if pid is not None:
            self._seen.update(psutil.Process(pid).children(recursive=True))

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection to the hub's database, each statement a transaction of its own."""
        return psycopg.connect(self.database_url, autocommit=True, connect_timeout=10)

    def tend_database(self) -> None:
        """What autovacuum does where it is on. A server for tests may have it off, and then plans for empty tables."""
        with self.connect() as connection:
            connection.execute("VACUUM ANALYZE")

    def launcher(self, *arguments: str, **environment: str) -> str:
        """Run a command of the launcher to its end; gives what it printed."""
        return self.program("-m", "hub.launcher", *arguments, **environment)

    def program(self, *arguments: str, **environment: str) -> str:
        """Run a Python program in the hub's environment to its end; gives what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}: {done.stderr[-3000:]}"
        return done.stdout

    def printed_by(self, *arguments: str) -> Any:
        """What a Python program beside the hub prints as JSON; it gets the hub's database and keys."""
        home = Home(self.home)
        settings = {
            "DATABASE_URL": self.database_url,
            "HUB_TOKEN_KEYS_FILE": str(home.token_keys()),
            "HUB_ENCRYPTION_KEYS_FILE": str(home.encryption_keys()),
            "HUB_SECRET_KEY": home.secret_key(),
            "DJANGO_SETTINGS_MODULE": "hub.settings",
        }
        return json.loads(self.program(*arguments, **settings))

    def demo_keys(self) -> dict[str, str]:
        """API keys of the demonstration's members by short name; made at the first call. All may send identifiers in
        plain."""
        kept = self.home / "demo.json"
        if not kept.exists():
            self.launcher("manage", "demo_data", "--json", "--keep", str(kept), HUB_DEMO="true")
            with self.connect() as connection:
                connection.execute("UPDATE accounts_organisation SET plain_identifiers = true")
        made = json.loads(kept.read_text(encoding="utf-8"))
        return {name: organisation["api_key"] for name, organisation in made["organisations"].items()}

    def client(self, key: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60.0, trust_env=False)

    def wait_drained(self, *, seconds: float = 60.0) -> None:
        """Wait until no work is left in the outbox."""
        with self.connect() as connection:
            assert wait_until(lambda: _waiting(connection) == 0, seconds=seconds), (
                f"{_waiting(connection)} pieces of work are not done: {self.last_words()}"
            )


def _waiting(connection: psycopg.Connection[tuple[Any, ...]]) -> int:
    row = connection.execute("SELECT count(*) FROM outbox_outboxevent WHERE done_at IS NULL").fetchone()
    assert row is not None
    count: int = row[0]
    return count


def pages(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    """All rows of a list of the API."""
    rows: list[dict[str, Any]] = []
    url: str | None = f"{path}?limit=200"
    while url:
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        rows += answer.json()["results"]
        url = answer.json()["next"]
    return rows
