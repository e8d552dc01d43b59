"""Writes docker/.env and the key files in docker/secrets/ with fresh secrets (roof). Never overwrites any.

Standard library only, so that any Python 3 on the host runs it: python3 docker/make_secrets.py
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def main(arguments: list[str] | None = None) -> int:
    """0: all files are there; 1: one of them can't be written, said in one line."""
    parser = argparse.ArgumentParser(description="Make the secrets of the container set-up.")
    parser.add_argument("--folder", type=Path, default=_HERE, help="where to write (docker/)")
    parser.add_argument("--trial", action="store_true", help="plain http on this machine, for a first look")
    chosen = parser.parse_args(arguments)
    folder: Path = chosen.folder
    try:
        _write_environment(folder, trial=chosen.trial)
        for name in ("token-keys.json", "encryption-keys.json"):
            _write_keys(folder, name)
    except OSError as error:
        sys.stderr.write(f"{error.filename} can't be written: {error.strerror}.\n")
        return 1
    return 0


def _write_environment(folder: Path, *, trial: bool) -> None:
    made = {
        # Hexadecimal, because it becomes part of a URL.
        "POSTGRES_PASSWORD": secrets.token_hex(32),
        "HUB_SECRET_KEY": secrets.token_urlsafe(64),
        **({"HUB_HTTPS": "false", "HUB_TRUSTED_PROXIES": "0"} if trial else {}),
    }
    lines = (_HERE / ".env.example").read_text(encoding="utf-8").splitlines()
    filled = [f"{name}={made[name]}" if (name := line.partition("=")[0]) in made else line for line in lines]
    _write(folder / ".env", "\n".join(filled), mode=0o600)


def _write_keys(folder: Path, name: str) -> None:
    # The folder is closed to others; the file itself must be readable by the container's user.
    (folder / "secrets").mkdir(mode=0o700, exist_ok=True)
    keys = {"active": "k1", "keys": {"k1": secrets.token_hex(32)}}
    _write(folder / "secrets" / name, json.dumps(keys), mode=0o444)


def _write(file: Path, text: str, *, mode: int) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        sys.stdout.write(f"{file} is there already and stays as it is\n")
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"{text}\n")
    file.chmod(mode)
    sys.stdout.write(f"{file} written: keep a copy where only you can read it\n")


if __name__ == "__main__":
    sys.exit(main())
