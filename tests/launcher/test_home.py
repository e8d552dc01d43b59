"""The home: one launcher at a time, secrets outside the database, and one line for what is in the way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hub.launcher.errors import CannotStart, last_line
from hub.launcher.home import AlreadyRunning, Home
from tests.embedded_database import _free_home


def test_a_second_launcher_is_refused_with_the_pid_of_the_first(home: Home) -> None:
    home.open()

    with pytest.raises(AlreadyRunning, match=f"already running, pid {os.getpid()}"):
        Home(home.folder).open()


def test_given_back_the_home_can_be_taken_again(home: Home) -> None:
    home.open()
    home.close()

    again = Home(home.folder)
    again.open()
    again.close()


def test_secrets_are_made_once_and_only_their_owner_can_read_them(home: Home) -> None:
    home.open()
    key, files = home.secret_key(), (home.token_keys(), home.encryption_keys())

    assert len(key) >= 40
    first, second = (json.loads(file.read_text())["keys"]["k1"] for file in files)
    assert len(first) == len(second) == 64
    assert first != second
    assert Home(home.folder).secret_key() == key
    for name in ("secret-key", "token-keys.json", "encryption-keys.json"):
        assert (home.folder / name).stat().st_mode & 0o777 == 0o600


def test_what_the_caller_set_wins(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.open()
    monkeypatch.setenv("HUB_SECRET_KEY", "the caller's own")
    monkeypatch.delenv("HUB_TOKEN_KEYS_FILE", raising=False)

    environment = home.environment(database_url="postgresql:///hub")

    assert environment["HUB_SECRET_KEY"] == "the caller's own"
    assert environment["HUB_TOKEN_KEYS_FILE"] == str(home.token_keys_file)


@pytest.mark.parametrize("name", ["HUB_TOKEN_KEYS", "HUB_TOKEN_KEYS_HOOK"])
def test_token_keys_from_elsewhere_take_the_place_of_the_file(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    home.open()
    monkeypatch.delenv("HUB_TOKEN_KEYS_FILE", raising=False)
    monkeypatch.setenv(name, "elsewhere")

    environment = home.environment(database_url="postgresql:///hub")

    assert environment[name] == "elsewhere"
    assert "HUB_TOKEN_KEYS_FILE" not in environment
    assert not home.token_keys_file.exists()


def test_a_home_that_cannot_be_made_names_the_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(CannotStart, match=r"can't be used"):
        Home(tmp_path / "file" / "home").open()


def test_two_test_runs_at_once_get_two_clusters(tmp_path: Path) -> None:
    first, second = _free_home(tmp_path), _free_home(tmp_path)

    assert first.folder != second.folder
    first.close()
    assert _free_home(tmp_path).folder == first.folder
    second.close()


def test_the_telling_line_of_a_log_is_found(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("FATAL: of an earlier run\n")
    offset = log.stat().st_size
    with log.open("a") as file:
        file.write("LOG: starting\nFATAL:  no room\nLOG:  the database system is shut down\nbye\n")

    assert last_line(log, starting_at=offset) == "FATAL:  no room"
    assert last_line(tmp_path / "absent") == ""
