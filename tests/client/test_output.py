"""What a terminal and programs get of names and words that come from elsewhere."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from hub_client.cli import app
from tests.client.failing import KEY, ME, Failing, said

ODD = "\x1b]0;title\x07\x9b2J\r\u202egpj."
ODD_SHOWN = r"\x1b]0;title\x07\x9b2J\x0d\u202egpj."
NO_UTF8 = os.fsdecode(b"bad\xff.jpg")


def run(*arguments: str, url: str = "http://127.0.0.1:9") -> Result:
    done = CliRunner().invoke(app, arguments, env={"HUB_URL": url, "HUB_KEY": KEY})
    assert isinstance(done.exception, SystemExit | None), done.exception
    return done


def test_a_terminal_obeys_no_name_of_a_file(tmp_path: Path) -> None:
    done = run("hash", str(tmp_path / ODD))
    assert f"{tmp_path}/{ODD_SHOWN}: There is no such file." in done.stderr


def test_a_terminal_obeys_no_word_of_a_hub(server: Failing) -> None:
    problem = {"path": ODD, "code": "x", "message": f"{ODD} :dog: [b]", "mend": ODD}
    server.plan = [said({"detail": ODD, "errors": [problem]}, 400)]
    refused = run("whoami", url=server.url)
    assert f"{ODD_SHOWN} :dog: [b] {ODD_SHOWN}" in refused.stderr

    server.plan = [said({**ME, "client": ODD})]
    told, as_json = run("whoami", url=server.url), run("whoami", "--json", url=server.url)
    assert f"client {ODD_SHOWN}\n" in told.stdout
    assert json.loads(as_json.stdout)["client"] == ODD

    for done in (refused, told, as_json):
        assert not set(done.output) & set("\x1b\x07\x9b\u202e\r")


def test_a_name_that_is_no_utf_8_stops_nothing(tmp_path: Path, photo: Image.Image, server: Failing) -> None:
    for name in ("a.jpg", NO_UTF8, "c.jpg"):
        photo.save(tmp_path / name)
    names = [f"{tmp_path}/{name}" for name in ("a.jpg", r"bad\xff.jpg", "c.jpg")]

    as_json = run("hash", "--processes", "1", str(tmp_path))
    assert [json.loads(line)["file"] for line in as_json.stdout.splitlines()] == names
    as_csv = run("hash", "--format", "csv", "--processes", "1", str(tmp_path))
    assert [row["file"] for row in csv.DictReader(io.StringIO(as_csv.stdout))] == names

    results = [{"item": item, "status": "none"} for item in range(15)]
    server.plan = [said({"found": 0, "refused": 0, "results": results})]
    asked = run("lookup", "--json", "--processes", "1", str(tmp_path), url=server.url)
    assert list(dict.fromkeys(json.loads(line)["asked"] for line in asked.stdout.splitlines())) == names
    (tmp_path / NO_UTF8).unlink()
    gone = run("submit", "--json", "--dry-run", str(tmp_path / NO_UTF8))
    assert r"bad\xff.jpg" in gone.stderr


@pytest.mark.parametrize("arguments", [("hash",), ("lookup",)])
def test_a_pipe_by_name_is_no_file(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = run(*arguments, "--processes", "1", str(tmp_path / "pipe"))
    assert "pipe: This is no file." in done.stderr
    assert done.exit_code == 1


@pytest.mark.parametrize("arguments", [(".",), ("--type", "md5", "-"), ("--type", "md5", "-", "--json")])
def test_nothing_asked_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("lookup", *arguments)
    assert (done.stdout, done.stderr, done.exit_code) == ("", "Nothing was asked.\n", 0)


def test_one_file_is_counted_as_one(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"x")
    (tmp_path / "b.jpg").touch()
    done = run("hash", "--processes", "1", str(tmp_path))
    assert "Of 1 file only the file itself was hashed" in done.stderr
    assert "1 of 2 files was hashed; 1 could not be read." in done.stderr
    assert "0 of 1 file were hashed" in run("hash", "--processes", "1", str(tmp_path / "b.jpg")).stderr


def test_values_that_are_no_utf_8_are_told() -> None:
    typed = CliRunner().invoke(app, ["lookup", "--type", "text", "-"], input=b"\xff\n")
    for done in (typed, run("lookup", "--type", "text", os.fsdecode(b"\xff"))):
        assert isinstance(done.exception, SystemExit), done.exception
        assert (done.stderr, done.exit_code) == ("The values are not UTF-8. Write them in UTF-8.\n", 3)


@pytest.mark.parametrize(
    ("trusted", "state", "code", "told"),
    [
        ({"2026a": "AA" * 32}, "good", 0, "the one that you trust"),
        ({"2026a": "bb" * 32}, "bad", 4, "The hub publishes a key 2026a that is not the one you trust."),
        ({"2025z": "bb" * 32}, "bad", 4, "You trust others only."),
        ({}, "note", 0, "Compare it"),
    ],
)
def test_the_doctor_holds_the_hubs_key_against_those_that_are_trusted(
    server: Failing, tmp_path: Path, trusted: dict[str, str], state: str, code: int, told: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[trusted_keys]\n" + "".join(f'{name} = "{key}"\n' for name, key in trusted.items()))
    config.chmod(0o600)
    key = {"key_id": "2026a", "public_key": "aa" * 32, "active": True, "live": True}
    keys = {"suite": "ristretto255-SHA512", "mode": "VOPRF", "keys": [key]}
    server.plan = [(200, {}, b"ok"), said(ME), said([]), said(keys)]

    done = run("doctor", "--json", "--config", str(config), url=server.url)

    findings = {found["what"]: found for found in map(json.loads, done.stdout.splitlines())}
    found = findings["identifiers"]
    assert (found["state"], done.exit_code) == (state, code)
    assert told in f"{found['told']} {found['mend']}"
    assert "write it into" not in found["mend"] or "2026a" not in trusted
