"""A launcher as a user starts it: a process of its own, in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from hub.launcher.home import PROJECT, Home
from hub.launcher.processes import wait_until

CHILDREN = ("postgres", "web", "worker", "beat", "relay", "index")


@dataclass
class Hub:
    """The launcher, its home, and what it prints there."""

    home: Home
    environment: dict[str, str]
    port: int
    command: str = "up"
    process: subprocess.Popen[str] | None = None

    def launch(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "hub.launcher", *arguments],
            cwd=PROJECT,
            env={**self.environment, "HUB_HOME": str(self.home.folder)},
            stdout=(self.home.folder.parent / "screen").open("a"),
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self) -> None:
        self.process = self.launch(self.command, "--port", str(self.port))
        assert wait_until(self.all_up, seconds=60), self.screen()

    def all_up(self) -> bool:
        return self.ready() and all(self.alive(name) for name in CHILDREN)

    def ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def pid(self, name: str) -> int:
        try:
            return int((self.home.run / f"{name}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def alive(self, name: str) -> bool:
        return is_alive(self.pid(name))

    def screen(self) -> str:
        return (self.home.folder.parent / "screen").read_text()


def environment_of_a_user() -> dict[str, str]:
    """The environment without what the test run itself has set: launchers under test choose for themselves."""
    keys = {"HUB_SECRET_KEY", "HUB_TOKEN_KEYS_FILE", "HUB_ENCRYPTION_KEYS_FILE"}
    ours = {"DATABASE_URL", "BROKER_URL", "CACHE_URL", "HUB_HOME"} | keys
    return {name: value for name, value in os.environ.items() if name not in ours}


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.rpartition(")")[2].split()[0] != "Z"
