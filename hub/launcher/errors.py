"""What stops the launcher from starting (roof)."""

from __future__ import annotations

from collections import deque
from pathlib import Path


class CannotStart(Exception):
    """Something outside the program is in the way. The message is one line: what is wrong, and its mend."""


def last_line(log: Path, *, starting_at: int = 0) -> str:
    """The line of a log that most likely tells why a program ended, "" when there is none.

    A line with PANIC, FATAL or an error's name is preferred to the very last one. `starting_at` is a byte
    offset: what was written before it belongs to an earlier run.
    """
    try:
        with log.open("rb") as file:
            file.seek(starting_at)
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    # "The database system is starting up" answers our own question, whether it is ready.
    said = (line.strip() for line in text.splitlines() if "the database system is " not in line)
    lines = deque(filter(None, said), maxlen=200)
    telling = [line for line in lines if "PANIC:" in line or "FATAL:" in line or "Error:" in line]
    return (telling or list(lines) or [""])[-1]


def mend_for(text: str, *, folder: Path) -> str:
    """What to do about an error that the system or PostgreSQL reported while working below `folder`."""
    known = {
        "No space left on device": f"free some disk space below {folder}, then start again",
        "Disk quota exceeded": f"free some disk space below {folder}, then start again",
        "Read-only file system": "choose a writable folder: set HUB_HOME",
        "Permission denied": f"make {folder} yours, or choose another folder: set HUB_HOME",
        "Operation not permitted": f"make {folder} yours, or choose another folder: set HUB_HOME",
        "could not locate a valid checkpoint record": _damaged(folder),
        "invalid primary checkpoint record": _damaged(folder),
        "incorrect checksum": _damaged(folder),
        "pg_control": _damaged(folder),
        "could not read file": _damaged(folder),
        "could not open file": _damaged(folder),
        "incompatible with server": _damaged(folder),
        "lock file": f"another server still works on {folder}: stop it, or wait until it has ended",
        "could not create shared memory": "stop programs that use much memory, then start again",
        "Cannot allocate memory": "stop programs that use much memory, then start again",
    }
    return next((mend for sign, mend in known.items() if sign in text), "read the log named here")


def _damaged(folder: Path) -> str:
    return f"the database is damaged: put a backup in place of {folder}, or move it away to begin anew"
