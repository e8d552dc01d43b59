"""The command line against a real hub."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from hub_client import HubClient, Indicator, NewSignal
from hub_client.cli import app
from tests.client.hub.conftest import GROUP
from tests.whole.hub_process import HubProcess

AUDIENCE = ["--group", GROUP, "--harm", "people_smuggling", "--severity", "high"]
SOURCE = Path(__file__).resolve().parents[3] / "client" / "src"


@pytest.fixture(autouse=True)
def environment(hub: HubProcess, keys: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_URL", hub.url)
    monkeypatch.setenv("HUB_KEY", keys["alpha"])
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=typed)


def digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def write_rows(path: Path, count: int) -> list[str]:
    """A CSV of so many rows; gives their references."""
    references = [f"{path.stem}-{uuid4()}" for _row in range(count)]
    lines = [f"{reference},{digest(reference)}" for reference in references]
    path.write_text("\n".join(("external_id,md5", *lines, "")))
    return references


def references_at(client: HubClient) -> list[str]:
    return [str(found.external_id) for found in client.signals(organisation="alpha", limit=200)]


def test_whoami_says_whose_key_it_is() -> None:
    assert "(alpha)" in run("whoami").stdout
    assert json.loads(run("whoami", "--json").stdout)["organisation"]["slug"] == "alpha"


def test_a_folder_is_submitted_and_found_again(tmp_path: Path, photo: Image.Image, beta: HubClient) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    photo.save(folder / "a.png")
    photo.save(folder / "copy.png")
    photo.rotate(90, expand=True).save(folder / "b.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")

    first = run("submit", str(folder), *AUDIENCE)
    again = run("submit", str(folder), *AUDIENCE)

    assert first.exit_code == again.exit_code == 1
    assert "broken.jpg" in first.stderr
    assert "2 rows were sent, 1 had been sent before, 1 was refused" in first.stderr
    assert "0 rows were sent, 3 had been sent before" in again.stderr
    asked = run("lookup", str(folder / "a.png"), "--json")
    answers = [json.loads(line) for line in asked.stdout.splitlines()]
    assert {answer["type"] for answer in answers} == {"pdq", "phash", "dhash", "md5", "sha256"}
    assert all(answer["status"] == "found" for answer in answers)
    assert asked.exit_code == 0


def test_what_hash_wrote_can_be_submitted(tmp_path: Path, photo: Image.Image, alpha: HubClient) -> None:
    photo.rotate(45).save(tmp_path / "a.png")
    photo.rotate(50).save(tmp_path / "b.png")
    run("hash", "-o", str(tmp_path / "h.ndjson"), str(tmp_path / "a.png"))
    run("hash", "--format", "csv", "-o", str(tmp_path / "h.csv"), str(tmp_path / "b.png"))

    for written in ("h.ndjson", "h.csv"):
        done = run("submit", str(tmp_path / written), *AUDIENCE)
        assert done.exit_code == 0, done.stderr
        assert "1 row was sent." in done.stderr


def test_refused_rows_are_named_with_what_the_hub_says(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(
        f"external_id,md5,sharing_groups\n{uuid4()},{digest('1')},\n{uuid4()},{digest('2')},nowhere\n{uuid4()},zz,\n"
    )

    done = run("submit", str(rows), *AUDIENCE)

    assert done.exit_code == 1
    assert "line 3:\n  /sharing_groups/0: There is no sharing group" in done.stderr
    assert "line 4:" in done.stderr
    assert "1 row was sent, 2 were refused." in done.stderr
    lines = [json.loads(line) for line in run("submit", str(rows), *AUDIENCE, "--json").stdout.splitlines()]
    assert {(line["place"], line["status"]) for line in lines} == {("line 3", "refused"), ("line 4", "refused")}
    assert [error["path"] for line in lines if line["place"] == "line 3" for error in line["errors"]] == [
        "/sharing_groups/0"
    ]


def test_what_is_wrong_with_many_rows_is_told_once(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", 3)

    done = run("submit", str(tmp_path / "rows.csv"), "--group", "nowhere", *AUDIENCE[2:])

    assert done.stderr.count("There is no sharing group") == 1
    assert "`hub-client doctor` names yours" in done.stderr
    assert "line 3: the same as line 2.\nline 4: the same as line 2.\n" in done.stderr


def test_no_matches_are_told_too() -> None:
    none = run("matches", "--verdict", "needs_more", "--harm", "document_fraud")
    assert (none.exit_code, none.stdout, none.stderr) == (0, "", "No matches with these filters.\n")
    as_json = run("matches", "--verdict", "needs_more", "--harm", "document_fraud", "--json")
    assert (as_json.exit_code, as_json.stdout, as_json.stderr) == (0, "", "")


def test_user_names_are_looked_up_with_their_platform_only() -> None:
    done = run("lookup", "--type", "username", "-", typed="@ana\n")
    assert done.exit_code == 3
    assert "--platform" in done.stderr


def test_rows_are_sent_in_bulk_and_told_like_those_of_batches(tmp_path: Path, alpha: HubClient) -> None:
    references = write_rows(tmp_path / "bulk.csv", 4)
    with (tmp_path / "bulk.csv").open("a") as file:
        file.write(f"{uuid4()},zz\n")

    done = run("submit", str(tmp_path / "bulk.csv"), *AUDIENCE, "--bulk")
    again = run("submit", str(tmp_path / "bulk.csv"), *AUDIENCE, "--bulk")

    assert "line 6:" in done.stderr
    assert "4 rows were sent, 1 was refused." in done.stderr
    assert "0 rows were sent, 4 had been sent before, 1 was refused." in again.stderr
    assert set(references) <= set(references_at(alpha))


def test_afresh_takes_rows_back_to_what_they_were_also_in_bulk(tmp_path: Path, alpha: HubClient) -> None:
    references = write_rows(tmp_path / "afresh.csv", 2)

    def submit(severity: str, *more: str) -> set[str]:
        options = [*AUDIENCE[:-1], severity, "--bulk", *more]
        assert run("submit", str(tmp_path / "afresh.csv"), *options).exit_code == 0
        found = alpha.signals(organisation="alpha", limit=200)
        return {signal.severity for signal in found if signal.external_id in references}

    assert submit("low") == {"low"}
    assert submit("high") == {"high"}
    assert submit("low", "--afresh") == {"low"}


def test_a_dry_run_sends_nothing(tmp_path: Path, alpha: HubClient) -> None:
    references = write_rows(tmp_path / "dry.csv", 3)

    done = run("submit", str(tmp_path / "dry.csv"), *AUDIENCE, "--dry-run")

    assert "3 rows would be sent." in done.stderr
    assert not set(references) & set(references_at(alpha))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_upload_that_is_stopped_goes_on_and_nothing_is_doubled(
    how: signal.Signals, tmp_path: Path, alpha: HubClient
) -> None:
    references = write_rows(tmp_path / "rows.csv", 120)
    command = [sys.executable, "-c", "from hub_client.cli import main; main()", "submit", str(tmp_path / "rows.csv")]
    command += [*AUDIENCE, "--rows", "2", "--json", "--state", str(tmp_path / "state.sqlite")]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True) as first:
        assert first.stdout is not None
        told = [first.stdout.readline() for _row in range(20)]
        first.send_signal(how)
        told += first.stdout.readlines()
        words = first.stderr.read() if first.stderr else ""
    assert first.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL), words
    assert len(told) < 120
    second = subprocess.run(command, capture_output=True, env=environment, text=True, check=True)

    sent_again = [json.loads(line) for line in second.stdout.splitlines()]
    # At most the batch that was on its way is sent twice; the hub changes it and adds nothing.
    assert len(told) + len(sent_again) <= 120 + 2
    assert sum(row["status"] == "updated" for row in sent_again) <= 2
    found = references_at(alpha)
    assert sorted(set(references) & set(found)) == sorted(references)
    assert len(found) == len(set(found))


def test_identifiers_are_asked_from_the_input(tmp_path: Path) -> None:
    rows = tmp_path / "accounts.csv"
    rows.write_text(f"external_id,platform,email\n{uuid4()},chirper,ana.lopez@example.org\n")
    assert run("submit", str(rows), *AUDIENCE, "--kind", "account").exit_code == 0

    done = run("lookup", "--type", "email", "-", typed="Ana.Lopez@example.org\nnobody\nbob@example.org\n")

    assert "value 1, email: found" in done.stdout
    assert "value 3, email: none" in done.stdout
    assert "value 2: The value is not an e-mail address." in done.stderr
    assert "opez" not in done.output
    assert done.exit_code == 1


def test_a_hash_is_looked_up_by_its_first_digits(alpha: HubClient) -> None:
    alpha.submit(
        NewSignal(
            harm="people_smuggling",
            severity="low",
            sharing_groups=(GROUP,),
            indicators=(Indicator("md5", digest("r")),),
        )
    )

    assert "found" in run("lookup", "--range", "--type", "md5", digest("r")).stdout
    assert "none" in run("lookup", "--range", "--type", "md5", digest("another")).stdout
    assert run("lookup", "--range", "--type", "pdq", "f8" * 32).exit_code == 3


def test_matches_are_listed_and_followed_across_two_starts(
    tmp_path: Path, alpha: HubClient, beta: HubClient, hub: HubProcess
) -> None:
    state = str(tmp_path / "followed.json")
    assert run("matches", "--state", state).stdout == ""
    for value in ("f1", "f2"):
        for client in (alpha, beta):
            client.submit(
                NewSignal(
                    external_id=f"{value}-{uuid4()}", harm="people_smuggling", severity="low", sharing_groups=(GROUP,),
                    indicators=(Indicator("md5", digest(value)),),
                )
            )  # fmt: skip
        hub.wait_drained()

        lines = run("matches", "--state", state, "--json").stdout.splitlines()

        assert [json.loads(line)["related"][0]["evidence"][0]["indicator"] for line in lines] == [digest(value)]
    assert len(run("matches", "--limit", "2").stdout.splitlines()) >= 4


@pytest.fixture
def follower(hub: HubProcess) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", "from hub_client.cli import main; main()", "matches", "--follow", "--json"]
    with subprocess.Popen(
        [*command, "--every", "0.2", "--since", "2020-01-01"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        text=True,
    ) as process:
        yield process
        process.kill()


def test_following_shows_a_match_when_it_comes(
    follower: subprocess.Popen[str], alpha: HubClient, beta: HubClient
) -> None:
    for client in (alpha, beta):
        client.submit(
            NewSignal(
                external_id=str(uuid4()), harm="people_smuggling", severity="low", sharing_groups=(GROUP,),
                indicators=(Indicator("md5", digest("followed here")),),
            )
        )  # fmt: skip
    assert follower.stdout is not None
    began = time.monotonic()
    while digest("followed here") not in follower.stdout.readline():
        assert time.monotonic() - began < 60
    follower.send_signal(signal.SIGINT)
    assert follower.wait(10) == 130


def test_the_doctor_finds_all_well() -> None:
    done = run("doctor")

    assert done.exit_code == 0, done.output
    assert "BAD" not in done.stdout
    assert f"You may share with {GROUP}" in done.stdout


@pytest.mark.parametrize(
    ("name", "value", "code", "told"),
    [
        ("HUB_KEY", f"hub_{'a' * 12}_{'b' * 43}", 4, "BAD  key"),
        ("HUB_KEY", "short", 3, "not whole"),
        ("HUB_URL", "http://127.0.0.1:9", 5, "BAD  connection"),
        ("HUB_URL", "http://hub.example", 3, "https"),
    ],
)
def test_the_doctor_names_what_is_wrong_and_its_mend(
    name: str, value: str, code: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    done = run("doctor")

    assert done.exit_code == code, done.output
    assert told in done.stdout
    assert "b" * 43 not in done.output
    assert run("whoami").exit_code == code
