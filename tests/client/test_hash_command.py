"""hub-client hash, and what needs no hub."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from hub_client.cli import app
from hub_client.hashing import hash_file


@pytest.fixture
def folder(tmp_path: Path, photo: Image.Image) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    photo.save(pictures / "a.png")
    photo.rotate(90).save(pictures / "c.png")
    (pictures / "b.jpg").write_bytes(b"\xff\xd8\xff cut off")
    return pictures


def test_bad_files_are_named_and_the_rest_is_hashed(folder: Path) -> None:
    done = CliRunner().invoke(app, ["hash", str(folder)])

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(line["file"]).name for line in lines] == ["a.png", "c.png"]
    assert lines[0]["pdq"] == hash_file(folder / "a.png").pdq
    assert str(folder / "b.jpg") in done.stderr
    assert "2 of 3 files" in done.stderr
    assert done.exit_code == 1


def test_csv_into_a_file(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["hash", "--format", "csv", "-o", str(tmp_path / "h.csv"), str(folder / "a.png"), "--processes", "1"]
    )

    assert done.exit_code == 0, done.stderr
    (row,) = csv.DictReader(io.StringIO((tmp_path / "h.csv").read_text()))
    assert row["sha256"] == hash_file(folder / "a.png").sha256
    assert row["pdq_quality"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["hash"], 2),
        (["hash", "/nowhere/at/all.png"], 1),
        (["hash", "-o", "/nowhere/x", "."], 3),
        (["nonsense"], 2),
        (["whoami"], 3),
        (["whoami", "--url", "http://hub.example"], 3),
        (["submit", "/nowhere/at/all.csv"], 3),
        (["lookup", "--type", "shoe", "x"], 3),
        (["--version"], 0),
    ],
)
def test_what_is_wrong_is_told_without_a_traceback(
    arguments: list[str], code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HUB_URL", "HUB_KEY", "HUB_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    done = CliRunner().invoke(app, arguments)

    assert done.exit_code == code, done.output
    assert done.output
    assert isinstance(done.exception, SystemExit | None)
