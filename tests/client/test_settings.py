"""Address and key: where they come from, and which are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub_client import BadSetting
from hub_client.settings import Settings

KEY = f"hub_{'p' * 12}_{'s' * 43}"
OTHER = f"hub_{'q' * 12}_{'t' * 43}"


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration file that is looked for; there is none yet, and nothing in the environment."""
    for name in ("HUB_URL", "HUB_KEY", "HUB_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "hub-client").mkdir()
    return tmp_path / "hub-client" / "config.toml"


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


def test_argument_before_environment_before_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(config, f'url = "https://file.example/"\nkey = "{KEY}"\n[trusted_keys]\na = "00"\n')
    assert Settings.found() == Settings("https://file.example", KEY, {"a": "00"})
    monkeypatch.setenv("HUB_URL", "https://environment.example")
    monkeypatch.setenv("HUB_KEY", OTHER)
    assert Settings.found().url == "https://environment.example"
    assert Settings.found().key == OTHER
    assert Settings.found("https://argument.example", KEY).url == "https://argument.example"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_file_that_others_can_read_is_refused(config: Path, mode: int) -> None:
    write(config, f'url = "https://file.example/"\nkey = "{KEY}"\n', mode)

    with pytest.raises(BadSetting, match=r"Others .*chmod 600"):
        Settings.found()


@pytest.mark.parametrize("text", ["key = ", f'key = "{KEY}"\nkye = "x"', "key = 5", "\xff", f"{KEY}"])
def test_a_file_that_is_wrong_is_refused_without_repeating_it(config: Path, text: str) -> None:
    config.write_bytes(text.encode("latin-1"))
    config.chmod(0o600)

    with pytest.raises(BadSetting) as caught:
        Settings.found()
    assert str(config) in str(caught.value)
    assert "s" * 43 not in str(caught.value)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="no configuration file"):
        Settings.found(config=tmp_path / "none.toml")


@pytest.mark.parametrize(
    "url",
    [
        "hub.example",
        "ftp://hub.example",
        "http://hub.example",
        "http://127.0.0.1.example",
        "https://user:word@hub.example",
        "https://hub.example/?key=1",
        "https://[::1",
        "https://hub.example:port",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.found(url, KEY)
    assert caught.value.mend


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:8000/", "http://[::1]:8000", "https://h/a/"]
)
def test_addresses_that_are_taken(url: str) -> None:
    assert Settings.found(url, KEY).url == url.rstrip("/")


@pytest.mark.parametrize("key", ["hub_short", KEY[:-1], f"Bearer {KEY}"])
def test_a_key_that_is_not_whole_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.found("https://hub.example", key)
    assert key not in str(caught.value)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(BadSetting, match="HUB_URL"):
        Settings.found()
    with pytest.raises(BadSetting, match="HUB_KEY"):
        Settings.found("https://hub.example")


@pytest.mark.parametrize("end", ["", "/", "/api", "/api/", "/api/v1", "/api/v1/"])
def test_an_address_of_the_api_is_the_hubs(end: str) -> None:
    assert Settings.found(f"https://hub.example/of/us{end}", KEY).url == "https://hub.example/of/us"


def test_an_address_that_can_not_be_asked_is_refused() -> None:
    with pytest.raises(BadSetting, match="not a web address"):
        Settings.found("https://\u2603\u2603.example", KEY)
