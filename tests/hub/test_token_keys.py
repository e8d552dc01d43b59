"""Where the keys of identifier tokens come from, and which of them count."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from hub import keys
from hub.keys import ENVIRONMENT, token_keys
from tests.keys import SEEDS, give_keys

NOW = timezone.now()
GOOD: dict[str, Any] = {"active": "k1", "keys": {"k1": SEEDS["k1"]}}


def from_a_service() -> str:
    return json.dumps(GOOD)


def from_a_service_as_a_dictionary() -> dict[str, Any]:
    return GOOD


def from_a_service_that_fails() -> str:
    raise ConnectionError(f"no answer about {SEEDS['k1']}")


def from_a_service_that_says_nothing() -> None:
    return None


@pytest.fixture(autouse=True)
def _no_place(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TOKEN_KEYS_FILE = settings.TOKEN_KEYS_HOOK = ""
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    keys._read.cache_clear()


def errors() -> list[str]:
    return [f"{message.msg}" for message in run_checks() if message.id == "hub.E002"]


def test_a_file_an_environment_variable_and_a_hook_give_the_same(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keys.json").write_text(json.dumps(GOOD))
    settings.TOKEN_KEYS_FILE = str(tmp_path / "keys.json")
    of_file = token_keys()
    settings.TOKEN_KEYS_FILE = ""
    monkeypatch.setenv(ENVIRONMENT, json.dumps(GOOD))
    assert token_keys() == of_file
    monkeypatch.delenv(ENVIRONMENT)
    for hook in (from_a_service, from_a_service_as_a_dictionary):
        settings.TOKEN_KEYS_HOOK = f"{__name__}.{hook.__name__}"
        assert token_keys() == of_file
        assert errors() == []
    assert of_file.epochs["k1"].seed == bytes.fromhex(SEEDS["k1"])


def test_two_places_are_one_too_many(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TOKEN_KEYS_HOOK = f"{__name__}.from_a_service"
    monkeypatch.setenv(ENVIRONMENT, json.dumps(GOOD))
    (error,) = errors()
    assert "HUB_TOKEN_KEYS and HUB_TOKEN_KEYS_HOOK are set" in error


@pytest.mark.parametrize("hook", ["from_a_service_that_fails", "from_a_service_that_says_nothing", "no_such_function"])
def test_a_hook_that_gives_no_keys_keeps_the_hub_from_starting(settings: LazySettings, hook: str) -> None:
    settings.TOKEN_KEYS_HOOK = f"{__name__}.{hook}"
    (error,) = errors()
    assert "HUB_TOKEN_KEYS_HOOK" in error
    assert SEEDS["k1"] not in error


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '"k1"',
        json.dumps(GOOD | {"active": "k2"}),
        json.dumps(GOOD | {"keys": {"k1": SEEDS["k1"][:-1]}}),
        json.dumps(GOOD | {"keys": {"k1": SEEDS["k1"].replace("1", "G")}}),
        json.dumps(GOOD | {"keys": {"k1": 7}}),
        json.dumps(GOOD | {"keys": {"K 1": SEEDS["k1"]}}),
        json.dumps(GOOD | {"keys": {"k1": {"not_after": "2030-01-01T00:00:00Z"}}}),
        json.dumps(GOOD | {"keys": {"k1": {"seed": SEEDS["k1"], "until": "2030-01-01T00:00:00Z"}}}),
        json.dumps(GOOD | {"keys": {"k1": {"seed": SEEDS["k1"], "not_after": "tomorrow"}}}),
        json.dumps(GOOD | {"keys": {"k1": {"seed": SEEDS["k1"], "not_after": "2030-01-01T00:00:00"}}}),
        json.dumps(GOOD | {"keys": {"k1": {"seed": SEEDS["k1"], "not_after": 2030}}}),
        json.dumps(
            GOOD
            | {
                "keys": {
                    "k1": {
                        "seed": SEEDS["k1"],
                        "not_before": "2030-01-01T00:00:00Z",
                        "not_after": "2029-01-01T00:00:00Z",
                    }
                }
            }
        ),
    ],
)
def test_what_is_not_in_order_is_refused_without_a_word_of_it(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setenv(ENVIRONMENT, content)
    (error,) = errors()
    assert "HUB_TOKEN_KEYS must give" in error
    assert SEEDS["k1"][:16] not in error


def test_the_old_form_without_validity_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"active": "k2", "keys": {"k1": SEEDS["k1"], "k2": SEEDS["k2"]}}
    monkeypatch.setenv(ENVIRONMENT, json.dumps(both))
    found = token_keys()
    assert [epoch.key_id for epoch in found.published()] == ["k2", "k1"]
    assert found.live() == found.epochs["k2"]
    assert found.live("k1") == found.epochs["k1"]
    assert found.live("k9") is None
    assert errors() == []


def test_at_most_two_live(settings: LazySettings, tmp_path: Path) -> None:
    give_keys(settings, tmp_path, "k3", k1={}, k2={}, k3={})
    (error,) = errors()
    assert "3 token keys that have not ended (k1, k2, k3)" in error
    assert "not_after in the past" in error
    give_keys(settings, tmp_path, "k3", k1={"not_after": NOW - timedelta(days=1)}, k2={}, k3={})
    assert errors() == []


@pytest.mark.parametrize("bounds", [{"not_before": NOW + timedelta(days=1)}, {"not_after": NOW - timedelta(days=1)}])
def test_an_active_key_that_does_not_count_is_an_error(
    settings: LazySettings, tmp_path: Path, bounds: dict[str, Any]
) -> None:
    give_keys(settings, tmp_path, "k1", k1=bounds, k2={})
    (error,) = errors()
    assert "The active token key k1 does not count" in error


@pytest.mark.parametrize(("days", "warned"), [(29, True), (31, False)])
def test_an_active_key_that_ends_soon_is_warned_of(
    settings: LazySettings, tmp_path: Path, days: int, warned: bool
) -> None:
    give_keys(settings, tmp_path, "k1", k1={"not_after": timezone.now() + timedelta(days=days)})
    assert ("hub.W002" in [message.id for message in run_checks()]) is warned
    assert errors() == []


def test_the_same_seed_twice_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    same = {"active": "k2", "keys": {"k1": SEEDS["k1"], "k2": SEEDS["k1"]}}
    monkeypatch.setenv(ENVIRONMENT, json.dumps(same))
    assert errors() == ["Two token keys have the same seed. Make a fresh one for each."]


def test_no_key_shows_when_it_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, json.dumps(GOOD))
    found = token_keys()
    printed = f"{found} {found!r} {found.epochs} {found.live()!r}"
    assert SEEDS["k1"] not in printed
    assert repr(bytes.fromhex(SEEDS["k1"])) not in printed


def test_without_any_the_mend_is_told() -> None:
    with pytest.raises(ImproperlyConfigured, match="Set HUB_TOKEN_KEYS_FILE to a JSON file"):
        token_keys()
    assert len(errors()) == 1
