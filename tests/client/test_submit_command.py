"""hub-client submit, as far as it needs no hub: what is wrong is told once, and to programs in parts."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from hub_client.cli import app

OPTIONS = ("--dry-run", "--harm", "other", "--severity", "low", "--group", "g", "--processes", "1")


def test_a_bad_file_is_named_once(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    done = CliRunner().invoke(app, ["submit", str(tmp_path), *OPTIONS])

    a, b = tmp_path / "a.jpg", tmp_path / "b.jpg"
    assert done.stderr.startswith(f"{a}:\n  The file is empty. Check that it was saved whole.\n{b}: the same as {a}.\n")
    assert done.exit_code == 1


def test_programs_get_what_is_wrong_in_parts(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"md5,harm\nabc,bad\n{'a1' * 16},other\n")
    done = CliRunner().invoke(app, ["submit", str(file), "--json", *OPTIONS])

    bad, good = map(json.loads, done.stdout.splitlines())
    assert (good["status"], good["errors"]) == ("ready", [])
    assert [(error["path"], error["code"]) for error in bad["errors"]] == [
        ("/harm", "invalid_choice"), ("/md5", "wrong_length"),
    ]  # fmt: skip
    assert all(error["message"] and error["mend"] for error in bad["errors"])
