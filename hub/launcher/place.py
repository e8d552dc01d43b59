"""Where the embedded database lives and which user it runs as (roof).

PostgreSQL refuses to run as root. Started by root, it runs as `postgres` or `nobody` (no user is ever made),
and both its programs and its folder must be where that user can go. Nothing outside the hub's own folders is
changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hub.launcher.binaries import chosen_binaries, copy_of, major_version, refuse_old
from hub.launcher.errors import CannotStart, mend_for
from hub.launcher.home import Home, write_private
from hub.launcher.processes import Owner, run_as

_REMEMBERED = "postgres-place.json"
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 107  # bytes: sun_path of unix(7) less its closing NUL
_ELSEWHERE = ("/var/lib", "/var/tmp", "/tmp")  # noqa: S108 - a folder of our own is made there, mode 0755, by root


@dataclass(frozen=True, slots=True)
class Place:
    """The database's folder, its programs and its user (None: the one that runs the launcher)."""

    folder: Path
    binaries: Path
    major: int
    owner: Owner | None

    @property
    def data(self) -> Path:
        return self.folder / "data"


def find_place(home: Home) -> Place:
    """Decide, or find what was decided at the first start. Raises CannotStart."""
    try:
        return _place_of_root(home) if os.geteuid() == 0 else _place_of_user(home)
    except OSError as error:
        reason = error.strerror or str(error)
        mend = mend_for(reason, folder=home.folder)
        raise CannotStart(f"The database's folder can't be made ({reason}, {error.filename}): {mend}.") from None


def _place_of_user(home: Home) -> Place:
    folder = _remembered(home) or home.folder / "postgres"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise CannotStart(
            f"The database in {folder} belongs to user {_name_of(folder.stat().st_uid)}: start the hub as "
            "the user who started it first (root counts), or choose another folder: set HUB_HOME."
        )
    binaries = chosen_binaries()
    major = major_version(binaries, None)
    if major == 0:
        raise CannotStart(f"{binaries}/postgres can't be run here: name other programs in HUB_PG_BIN.")
    refuse_old(major, binaries)
    return Place(folder, binaries, major, None)


def _place_of_root(home: Home) -> Place:
    folder = _remembered(home) or home.folder / "postgres"
    owner = _owner_of(folder) if folder.exists() else _ordinary_user()
    if not _may_use(folder, owner):
        folder = _remember(home, _make_elsewhere(home)) / "postgres"
        if not _may_use(folder, owner):
            raise CannotStart(
                f"PostgreSQL refuses to run as root, and as {owner.name} it can't use {folder}: start the "
                "hub as an ordinary user, or name a running server in DATABASE_URL."
            )
    binaries = chosen_binaries()
    major = major_version(binaries, owner)
    if major == 0 and not os.environ.get("HUB_PG_BIN"):
        binaries = copy_of(binaries, _remembered_root(home) or _remember(home, _make_elsewhere(home), folder))
        major = major_version(binaries, owner)
    if major == 0:
        raise CannotStart(
            f"PostgreSQL refuses to run as root, and user {owner.name} can't run {binaries}/postgres: start "
            "the hub as an ordinary user, or name programs that everybody may run in HUB_PG_BIN."
        )
    refuse_old(major, binaries)
    return Place(folder, binaries, major, owner)


def _ordinary_user() -> Owner:
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(name, entry.pw_uid, entry.pw_gid)
    raise CannotStart(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody here: start the hub "
        "as an ordinary user, or name a running server in DATABASE_URL."
    )


def _owner_of(folder: Path) -> Owner:
    """The user of an existing database, who need not be today's first choice."""
    found = folder.stat()
    return Owner(_name_of(found.st_uid), found.st_uid, found.st_gid) if found.st_uid != 0 else _ordinary_user()


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _may_use(folder: Path, owner: Owner) -> bool:
    """Make the database's folder, and ask the system (not the mode bits) whether its user can work in it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != owner.uid:
        os.chown(folder, owner.uid, owner.gid)
    try:
        asked = run_as(owner, ["/bin/sh", "-c", 'test -w "$1" && test -x "$1"', "sh", folder])
    except (OSError, subprocess.SubprocessError):
        return False
    return asked.returncode == 0


def _make_elsewhere(home: Home) -> Path:
    name = f"hub-{_digest(home)}"
    tried = []
    for base in _ELSEWHERE:
        for suffix in ("", "-2", "-3", "-4", "-5"):
            folder = Path(base) / f"{name}{suffix}"
            try:
                folder.mkdir(mode=0o755)
                folder.chmod(0o755)
            except FileExistsError:
                continue  # another home's, or one that was left behind: never ours to take
            except OSError as error:
                tried.append(f"{base}: {error.strerror}")
                break
            return folder
    raise CannotStart(
        f"There is no folder that PostgreSQL's user could enter ({', '.join(tried)}): start the hub as an "
        "ordinary user, or name a running server in DATABASE_URL."
    )


def _digest(home: Home) -> str:
    return hashlib.sha256(os.fsencode(home.folder)).hexdigest()[:12]


def _remember(home: Home, root: Path, folder: Path | None = None) -> Path:
    text = json.dumps({"root": str(root), "folder": str(folder or root / "postgres")})
    write_private(home.folder / _REMEMBERED, text)
    return root


def _note(home: Home) -> dict[str, str]:
    try:
        note: dict[str, str] = json.loads((home.folder / _REMEMBERED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return note


def _remembered_root(home: Home) -> Path | None:
    note = _note(home)
    return Path(note["root"]) if note else None


def _remembered(home: Home) -> Path | None:
    note = _note(home)
    if not note:
        return None
    if not Path(note["root"]).is_dir():
        raise CannotStart(
            f"The database of this hub was in {note['folder']}, which is gone: put it back, or delete "
            f"{home.folder / _REMEMBERED} to begin anew."
        )
    return Path(note["folder"])


def socket_folder(home: Home, place: Place) -> Path:
    """A folder that only the database's user can enter, with a path short enough for a socket."""
    folder = place.folder / "sock"
    if _fits(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        if place.owner:
            os.chown(folder, place.owner.uid, place.owner.gid)
        return folder
    uid = place.owner.uid if place.owner else os.geteuid()
    for base in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - checked below
        folder = Path(base) / f"hub-{uid}-{_digest(home)}"
        if _fits(folder) and _private(folder, uid, place.owner):
            return folder
    folder = Path(tempfile.mkdtemp(prefix="hub-", dir="/tmp"))
    if place.owner:
        os.chown(folder, place.owner.uid, place.owner.gid)
    return folder


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / _SOCKET_NAME)) <= _SOCKET_PATH_LIMIT


def _private(folder: Path, uid: int, owner: Owner | None) -> bool:
    """Make the folder, or accept it only when nobody else can have prepared it for us."""
    try:
        folder.mkdir(mode=0o700)
        if owner:
            os.chown(folder, owner.uid, owner.gid)
    except FileExistsError:
        pass
    except OSError:
        return False
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & 0o077


def place_elsewhere(home: Home) -> Path | None:
    """The folder outside the home that holds its database, if it is not in the home itself."""
    note = _note(home)
    return Path(note["folder"]) if note and not Path(note["folder"]).is_relative_to(home.folder) else None


def remove_database(home: Home) -> None:
    """Delete the database of a home, wherever it is. The caller holds the lock and has stopped the server."""
    note = _note(home)
    for folder in (Path(note["folder"]), Path(note["root"])) if note else (home.folder / "postgres",):
        shutil.rmtree(folder, ignore_errors=True)
    (home.folder / _REMEMBERED).unlink(missing_ok=True)
    for base in {tempfile.gettempdir(), "/tmp", "/var/tmp"}:  # noqa: S108
        for folder in Path(base).glob(f"hub-*-{_digest(home)}"):
            shutil.rmtree(folder, ignore_errors=True)
