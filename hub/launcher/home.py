"""The folder that holds everything of one installation (roof): lock, secrets, logs, and where the rest is."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from hub.launcher.errors import CannotStart, mend_for

PROJECT = Path(__file__).resolve().parent.parent.parent
# Where the keys of identifier tokens may come from besides a file: see hub/keys.py.
_OTHER_TOKEN_KEYS = ("HUB_TOKEN_KEYS", "HUB_TOKEN_KEYS_HOOK")
_OURS = 0o711 if os.name == "posix" and os.geteuid() == 0 else 0o700


@dataclass
class Home:
    """HUB_HOME. One launcher at a time holds it; see `open`."""

    folder: Path
    _lock: IO[str] | None = field(default=None, init=False, repr=False)

    @classmethod
    def chosen(cls) -> Home:
        """The home that HUB_HOME names, else var/ in the project."""
        return cls(Path(os.environ.get("HUB_HOME") or PROJECT / "var").expanduser().absolute())

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def demo_file(self) -> Path:
        return self.folder / "demo.json"

    @property
    def demo_run_file(self) -> Path:
        """What the demo has led to, for the next start."""
        return self.folder / "demo-run.json"

    @property
    def token_keys_file(self) -> Path:
        return self.folder / "token-keys.json"

    @property
    def encryption_keys_file(self) -> Path:
        return self.folder / "encryption-keys.json"

    @property
    def database_url_file(self) -> Path:
        """Where the running hub's database is, for commands beside it."""
        return self.run / "database-url"

    def open(self) -> None:
        """Make the folder where needed and take its lock.

        Raises CannotStart when another launcher holds it or the folder can't be written.
        """
        try:
            for folder in (self.folder, self.logs, self.run):
                # Root's database runs as another user, who must be able to pass through (not to list) it.
                folder.mkdir(mode=_OURS, parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("a+", encoding="ascii")
        except OSError as error:
            reason = error.strerror or str(error)
            mend = mend_for(reason, folder=self.folder)
            raise CannotStart(f"{self.folder} can't be used ({reason}): {mend}.") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise AlreadyRunning(self.folder, holder) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def close(self) -> None:
        """Give the lock back (the end of the process does so too)."""
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def secret_key(self) -> str:
        """Django's secret key, made at the first start and kept outside the database."""
        return self._secret("secret-key", lambda: secrets.token_urlsafe(64))

    def token_keys(self) -> Path:
        """The file with the keys of identifier tokens (see hub.keys), made at the first start."""
        return self._keys(self.token_keys_file)

    def encryption_keys(self) -> Path:
        """The file with the keys of hub.encryption, made at the first start."""
        return self._keys(self.encryption_keys_file)

    def _keys(self, file: Path) -> Path:
        self._secret(file.name, lambda: json.dumps({"active": "k1", "keys": {"k1": secrets.token_hex(32)}}))
        return file

    def _secret(self, name: str, make: Callable[[], str]) -> str:
        file = self.folder / name
        if not file.exists():
            write_private(file, make())
        return file.read_text(encoding="utf-8").strip()

    def environment(self, *, database_url: str) -> dict[str, str]:
        """What the hub's processes get: the caller's own environment, completed; what the caller set wins."""
        ours = {
            "DATABASE_URL": database_url,
            "HUB_ENCRYPTION_KEYS_FILE": str(self.encryption_keys()),
            "HUB_SECRET_KEY": self.secret_key(),
        }
        if not any(os.environ.get(name) for name in _OTHER_TOKEN_KEYS):
            ours["HUB_TOKEN_KEYS_FILE"] = str(self.token_keys())
        return {
            **ours,
            **{name: value for name, value in os.environ.items() if value or name not in ours},
            "HUB_HOME": str(self.folder),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "hub.settings",
        }


class AlreadyRunning(CannotStart):
    """Another launcher holds the same home."""

    def __init__(self, folder: Path, pid: str) -> None:
        super().__init__(f"The hub in {folder} is already running, pid {pid}: `make stop` stops it, or set HUB_HOME.")
        self.pid = pid


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read; it appears whole or not at all."""
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"{text}\n")
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(file)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        mend = mend_for(reason, folder=file.parent)
        raise CannotStart(f"{file} can't be written ({reason}): {mend}.") from None
