"""Files that are closed to everybody else: made so, and refused where somebody has opened them."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from .errors import BadSetting

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def make_private(path: Path) -> None:
    """An empty file that only you can read, where there is none yet; folders before it likewise."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def refuse_open_to_others(
    what: str, path: Path, status: os.stat_result, *, error: type[BadSetting] = BadSetting, also: str = ""
) -> None:
    """Raises BadSetting; `also` is said with the mend."""
    if os.name == "nt":
        return
    if status.st_uid != os.geteuid():
        raise error(f"The {what} {path} belongs to somebody else.", "Make one of your own.")
    if status.st_mode & _OTHERS:
        mend = f"Close it (chmod 600 {path}); {also}" if also else f"Close it: chmod 600 {path}"
        raise error(f"Others on this machine can read the {what} {path}.", mend)


def state_folder() -> Path:
    """Where this program keeps what it goes on from."""
    folder = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_STATE_HOME")
    return (Path(folder) if folder else Path.home() / ".local" / "state") / "hub-client"
