"""The first example of the client's README runs as it is printed: a new environment, pip, and a real hub."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hub.launcher.home import PROJECT
from tests.whole.hub_process import HubProcess, clean_environment

README = (PROJECT / "client" / "README.md").read_text(encoding="utf-8")
MINUTES = 10


def example(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def constraints(folder: Path) -> Path:
    """The versions that everything else is tested with, so that a new release somewhere does not fail this test."""
    locked = (PROJECT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^([\w.-]+)(?:\[.*?\])?(==[^\\\n]+)", locked, re.MULTILINE)
    path = folder / "constraints.txt"
    path.write_text("".join(f"{name}{version}\n" for name, version in pinned))
    return path


@pytest.mark.timeout(MINUTES * 60)
def test_the_first_example_runs_as_printed(hub: HubProcess, tmp_path: Path) -> None:
    hub.demo_keys()
    (tmp_path / "client").symlink_to(PROJECT / "client")
    environment = clean_environment() | {
        "HUB_URL": hub.url,
        "HUB_HOME": str(hub.home),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PIP_CONSTRAINT": str(constraints(tmp_path)),
        "PIP_ONLY_BINARY": ":all:",  # no compiler
        "PIP_NO_COMPILE": "1",  # to compile hundreds of modules that are used once takes half of the time
    }
    environment.pop("PYTHONPATH", None)
    # The new environment is made with the Python of this one.
    environment["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), environment["PATH"]))

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example("sh")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BAD" not in done.stdout
    assert "adverts/1.png, md5: found" in done.stdout
    assert "1 row was sent." in done.stderr

    python = tmp_path / "hub-client-venv" / "bin" / "python"
    environment["HUB_KEY"] = hub.demo_keys()["alpha"]
    program = subprocess.run(
        [python, "-c", example("python")], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert program.returncode == 0, program.stderr
    assert "found ['alpha'" in program.stdout
    packages = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout
    assert "django" not in packages.lower()
