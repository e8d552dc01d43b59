"""The embedded PostgreSQL (roof): a cluster made once, and a server that is a direct child of the launcher.

Ready means that a connection answered, and that it was this server that did: `pg_ctl` and the pid file are
wrong after a SIGKILL. The server listens on a Unix socket only, which just its own user (and root) can open.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg

from hub.launcher.errors import CannotStart, last_line, mend_for
from hub.launcher.home import Home
from hub.launcher.place import Place, find_place, socket_folder
from hub.launcher.processes import Child, run_as

_USER = _DATABASE = "hub"
_PATIENCE = 90.0  # seconds for the server to answer, recovery after a kill among it
_PORT = "5432"  # part of the socket's name only
_BUILTIN_LOCALES = 17  # the first major version whose C.UTF-8 does not depend on the operating system
_PASSES_BY_ITSELF = (
    "pre-existing shared memory block",  # backends of a killed server live a moment longer
    "lock file",  # a server that was told to stop has not ended yet
    "is still in use",
    "could not bind Unix address",
)
_SETTINGS = {
    "listen_addresses": "",
    "port": _PORT,
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "jit": "off",
    # What members submit must not reach a log, not even in a statement that failed.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}
DISPOSABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One cluster in a home whose lock the caller holds.

    `settings` are added to the server's; with `durable=False` the cluster may be lost in a power cut (tests).
    """

    def __init__(self, home: Home, *, settings: Mapping[str, str] | None = None, durable: bool = True) -> None:
        self._home = home
        self._settings = {**_SETTINGS, **({} if durable else DISPOSABLE), **(settings or {})}
        self._durable = durable
        # Told apart from a server of an earlier launcher that is still on its way out.
        self._instance = f"hub-{secrets.token_hex(6)}"
        self.child: Child | None = None
        self.url = ""

    def start(self) -> str:
        """Make the cluster where needed, start the server, wait for an answer; gives the database's URL.

        Raises CannotStart, in one line that names the mend.
        """
        place = find_place(self._home)
        self._make_cluster(place)
        try:
            sockets = socket_folder(self._home, place)
        except OSError as error:
            raise CannotStart(f"No folder for the database's socket could be made: {error}.") from None
        self.url = f"postgresql://{_USER}@/{_DATABASE}?host={quote(str(sockets), safe='')}&port={_PORT}"
        self.child = self._child(place, sockets)
        self.child.start()
        self._wait(self.child, place.data, sockets, deadline=time.monotonic() + _PATIENCE)
        return self.url

    def stop(self) -> None:
        """Stop the server after a checkpoint ("fast": open transactions are rolled back)."""
        if self.child is not None:
            self.child.stop()

    def _make_cluster(self, place: Place) -> None:
        if place.data.exists():
            self._check_cluster(place)
            return
        fresh = place.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)  # an initdb that was killed half-way
        options = ["--no-instructions", "--locale=C"]
        if not self._durable:
            options.append("--no-sync")
        if place.major >= _BUILTIN_LOCALES:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        made = run_as(
            place.owner,
            [place.binaries / "initdb", "-D", fresh, "-U", _USER, "-A", "trust", "-E", "UTF8", *options],
        )
        if made.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            # What initdb says of its own clearing up tells nothing.
            lines = [line for line in made.stderr.splitlines() if not line.startswith("initdb: removing")]
            said = [line for line in lines if "error:" in line or "FATAL" in line]
            reason = (said or lines or [f"exit code {made.returncode}"])[0].strip()
            mend = mend_for(reason, folder=place.folder)
            raise CannotStart(f"The database can't be made ({reason}): {mend}.")
        fresh.rename(place.data)

    @staticmethod
    def _check_cluster(place: Place) -> None:
        version = place.data / "PG_VERSION"
        if not version.is_file() or not (place.data / "global" / "pg_control").is_file():
            raise CannotStart(
                f"The database in {place.data} is damaged (files are missing): put a backup in its place, or "
                "move that folder away to begin anew."
            )
        made_by = version.read_text(encoding="ascii").strip()
        if made_by != str(place.major):
            raise CannotStart(
                f"The database in {place.data} was made by PostgreSQL {made_by}, but {place.binaries} is "
                f"{place.major}: name the programs of PostgreSQL {made_by} in HUB_PG_BIN, or choose another "
                "folder: set HUB_HOME."
            )

    def _child(self, place: Place, sockets: Path) -> Child:
        quoted = str(sockets).replace('"', '""')
        settings = {
            **self._settings,
            "cluster_name": self._instance,
            "unix_socket_directories": f'"{quoted}"',
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return Child(
            name="postgres",
            arguments=[
                place.binaries / "postgres",
                "-D",
                place.data,
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            log=self._home.logs / "postgres.log",
            pid_file=self._home.run / "postgres.pid",
            environment={**inherited, "LC_ALL": "C"},
            folder=Path("/"),
            owner=place.owner,
            death_signal=signal.SIGINT,
            stop_signal=signal.SIGINT,
            patience=30.0,
        )

    def _wait(self, child: Child, data: Path, sockets: Path, *, deadline: float) -> None:
        while True:
            running = child.running
            if self._answers(sockets):
                return
            reason = last_line(child.log, starting_at=child.log_offset)
            late = time.monotonic() > deadline
            if not running and not late and any(sign in reason for sign in _PASSES_BY_ITSELF):
                time.sleep(0.2)
                for lock in (data / "postmaster.pid", sockets / f".s.PGSQL.{_PORT}.lock"):
                    _bury(lock)
                child.start()
            elif not running or late:
                child.stop()
                mend = mend_for(reason, folder=data)
                told = reason or child.ending or "no answer"
                raise CannotStart(f"The database does not start ({told}): {mend}. Log: {child.log}")
            time.sleep(0.02)

    def _answers(self, sockets: Path) -> bool:
        """Whether this very server answers; makes the hub's database where it is missing."""
        try:
            with psycopg.connect(
                host=str(sockets),
                port=_PORT,
                user=_USER,
                dbname="postgres",
                connect_timeout=5,
                autocommit=True,
            ) as connection:
                name = connection.execute("SHOW cluster_name").fetchone()
                if name is None or name[0] != self._instance:
                    return False
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE]).fetchone():
                    connection.execute("CREATE DATABASE hub")
        except psycopg.OperationalError:
            return False
        return True


def _bury(lock: Path) -> None:
    """Tell the next server that the one which wrote this lock file is dead, when it is but has not been reaped.

    That happens where process 1 of a container reaps nobody. The server takes its own parent for a harmless owner of
    the lock (CreateLockFile in PostgreSQL's miscinit.c) and still checks by itself that no backend is left.
    """
    try:
        with lock.open("r+", encoding="ascii") as file:
            pid, *rest = file.read().split("\n")
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
            if state.rpartition(")")[2].split()[0] == "Z":
                file.seek(0)
                file.write("\n".join((str(os.getpid()), *rest)))
                file.truncate()
    except (FileNotFoundError, ProcessLookupError):
        return
