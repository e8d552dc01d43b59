"""Broken, hostile and curious requests: answered with what is wrong, never with a failure or with somebody's secret."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client

from hub.cursors import seal, unseal
from sharing.signals.models import Signal
from tests import factories

pytestmark = pytest.mark.django_db

MINE: Any = {"rows": "signals", "reader": 1}


class Caller:
    def __init__(self, key: str) -> None:
        self.client, self.key = Client(raise_request_exception=False), key

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        return self.client.generic(
            method,
            f"/api/v1/{path}",
            json.dumps(body) if body is not None else b"",
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.key}"},
        )


@pytest.fixture
def group() -> Any:
    return factories.make_group("watch")


@pytest.fixture
def call(group: Any) -> Caller:
    organisation = factories.make_organisation("alpha")
    factories.give(organisation, group)
    return Caller(factories.make_client(organisation)[1])


def row(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "content",
        "harm": "human_trafficking",
        "severity": "high",
        "sharing_groups": ["watch"],
        "indicators": [{"type": "md5", "value": "ab" * 16}],
        **fields,
    }


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"account": {}}, "/account/platform"),
        ({"account": {"enforcement": "banned"}}, "/account/platform"),
        ({"indicators": [{"type": "md5"}]}, "/indicators/0/value"),
        ({"indicators": [{"value": "ab" * 16}]}, "/indicators/0/type"),
    ],
)
def test_what_a_change_puts_into_a_field_must_be_whole(call: Caller, change: Any, path: str) -> None:
    account = {"platform": "exampletube", "behaviours": ["recruits"]}
    stored = call("POST", "signals", row(kind="account", account=account)).json()
    answer = call("PATCH", f"signals/{stored['id']}", change)
    assert answer.status_code == 400
    assert path in [error["path"] for error in answer.json()["errors"]]
    answer = call("PATCH", f"signals/{stored['id']}", {"account": {"platform": "othertube"}})
    assert answer.json()["account"] == {
        "platform": "othertube",
        "behaviours": [],
        "enforcement": "none",
        "enforced_at": None,
    }


def test_half_a_surrogate_pair_spoils_its_own_row_only(call: Caller) -> None:
    answer = call("POST", "signals/batch", {"signals": [row(), row(external_id="\ud800"), row(**{"\ud800": 1})]})
    assert answer.status_code == 200
    assert [line["status"] for line in answer.json()["results"]] == ["created", "refused", "refused"]
    assert call("POST", "signals/batch", {"signals": [row()], "\ud800": 1}).status_code == 400


def test_a_refused_reference_is_not_sent_back_at_any_length(call: Caller) -> None:
    answer = call("POST", "signals/batch", {"signals": [row(external_id="x" * 100_000)]})
    assert len(answer.content) < 1_000


@pytest.mark.parametrize("reference", ["someone@example.org", "+44 20 7946 0018", "y" * 190 + "@example.org"])
def test_a_refused_reference_that_holds_an_identifier_is_not_sent_back(call: Caller, reference: str) -> None:
    rows = [row(external_id=reference), row(external_id=reference, kind="x"), row(external_id="ad-1", kind="x")]
    answer = call("POST", "signals/batch", {"signals": rows})
    assert [line["status"] for line in answer.json()["results"]] == ["refused"] * 3
    assert [line["external_id"] for line in answer.json()["results"]] == [None, None, "ad-1"]


@pytest.mark.parametrize(
    ("platform", "code"),
    [
        (447911123456, "not_text"),
        ("447911123456", "identifier_in_text"),
        ("00447911123456", "identifier_in_text"),
        ("44-7911_123456", "identifier_in_text"),
        ("tube-7911123456", "identifier_in_text"),
        ("someone@example.org", "invalid"),
        (True, "not_text"),
    ],
)
def test_a_platform_is_a_short_name_and_no_number(call: Caller, platform: Any, code: str) -> None:
    answer = call("POST", "signals", row(kind="account", account={"platform": platform}))
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [("/account/platform", code)]
    item = {"type": "username", "value": "ana", "platform": 447911123456}
    assert [error["code"] for error in call("POST", "signals", row(indicators=[item])).json()["errors"]] == ["not_text"]


@pytest.mark.parametrize("platform", ["exampletube", "4399", "9gag", "17173", "Example_Tube-2"])
def test_platforms_with_figures_in_their_names(call: Caller, platform: str) -> None:
    answer = call("POST", "signals", row(kind="account", account={"platform": platform}))
    assert answer.status_code == 201, answer.content


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"observed_at": "0001-01-01T00:00:00Z"}, "/observed_at"),
        ({"account": {"platform": "tube", "enforced_at": "9999-12-31T23:59:59Z"}}, "/account/enforced_at"),
        ({"account": {"platform": "tube", "enforced_at": "0001-01-01T00:00:00Z"}}, "/account/enforced_at"),
    ],
)
def test_a_moment_that_other_time_zones_cannot_write_is_refused(call: Caller, fields: Any, path: str) -> None:
    answer = call("POST", "signals", row(kind="account", **{"account": {"platform": "tube"}, **fields}))
    assert [error["path"] for error in answer.json()["errors"]] == [path]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"external_id": "someone@example.org"}, "/external_id"),
        ({"external_id": "+44 20 7946 0018"}, "/external_id"),
        (
            {"kind": "account", "account": {"platform": "tube", "behaviours": ["recruits", "someone@example.org"]}},
            "/account/behaviours/1",
        ),
    ],
)
def test_no_identifier_slips_in_beside_the_summary(call: Caller, fields: Any, path: str) -> None:
    answer = call("POST", "signals", row(**fields))
    assert [(error["path"], error["code"]) for error in answer.json()["errors"]] == [(path, "identifier_in_text")]


def test_a_cursor_tells_nothing_of_how_many_rows_others_have(call: Caller, group: Any) -> None:
    for _ in range(3):
        call("POST", "signals", row())
    following = call("GET", "signals?limit=1").json()["next"]
    cursor = following.rpartition("cursor=")[2]
    second = call("GET", f"signals?limit=1&cursor={cursor}").json()["results"][0]["id"]
    ids = list(Signal.objects.order_by("-pk").values_list("uuid", flat=True))
    assert second == str(ids[1])
    shown = base64.urlsafe_b64decode(cursor + "==")
    newest = Signal.objects.latest("pk").pk
    assert str(newest).encode() not in shown
    assert newest.to_bytes(8, "big") not in shown


@pytest.mark.parametrize("number", [0, 1, 2**31, 2**63 - 1])
def test_a_sealed_number_opens_again_and_a_changed_one_does_not(number: int, settings: LazySettings) -> None:
    sealed = seal(number, **MINE)
    assert unseal(sealed, **MINE) == number
    for at, letter in enumerate(sealed):
        assert unseal(sealed[:at] + ("A" if letter != "A" else "Q") + sealed[at + 1 :], **MINE) is None
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 50
    assert unseal(sealed, **MINE) == number
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(sealed, **MINE) is None


@pytest.mark.parametrize("other", [{"rows": "matches", "reader": 1}, {"rows": "signals", "reader": 2}])
def test_a_number_has_another_word_in_each_list_and_for_each_reader(other: Any) -> None:
    sealed, elsewhere = seal(7, **MINE), seal(7, **other)
    assert unseal(sealed, **other) is None
    # Neither half tells which number it is to somebody who has seen its word elsewhere.
    assert sealed[:10] != elsewhere[:10]
    assert sealed[12:] != elsewhere[12:]


def test_a_cursor_of_another_list_or_member_is_refused(call: Caller, group: Any) -> None:
    for _ in range(2):
        call("POST", "signals", row())
    cursor = call("GET", "signals?limit=1").json()["next"].rpartition("cursor=")[2]
    other = factories.make_organisation("beta")
    factories.give(other, group)
    beta = Caller(factories.make_client(other)[1])
    for caller, path in ((call, "matches"), (call, "floods"), (beta, "signals")):
        answer = caller("GET", f"{path}?cursor={cursor}")
        assert answer.status_code == 400
        assert [error["code"] for error in answer.json()["errors"]] == ["bad_cursor"]


@pytest.mark.parametrize("cursor", ["aWQ6MQ", "", "٣", "id:1", "=" * 22, "A" * 22, "a b"])
def test_what_was_not_sealed_here_is_no_cursor(cursor: str) -> None:
    assert unseal(cursor, **MINE) is None


def test_requests_with_a_wrong_key_are_counted_too(settings: LazySettings) -> None:
    settings.API_ANONYMOUS_RATE_PER_MINUTE = 3
    caller = Caller(f"hub_{'a' * 12}_{'b' * 43}")
    # More than two minutes allow together: one may end among them, and counting begins anew.
    statuses = [caller("GET", "signals").status_code for _ in range(7)]
    assert statuses[:3] == [401, 401, 401]
    assert 429 in statuses


def test_a_key_without_the_scope_is_counted_too(settings: LazySettings) -> None:
    _client, key = factories.make_client(factories.make_organisation(), scopes=["signals:read"], rate_per_minute=3)
    statuses = [Caller(key)("GET", "matches").status_code for _ in range(7)]
    assert statuses[:3] == [403, 403, 403]
    assert 429 in statuses


def test_no_answer_of_the_api_is_kept_by_anything_between(call: Caller) -> None:
    for answer in (call("GET", "signals"), call("GET", "whoami"), Caller("wrong")("GET", "signals")):
        assert answer.headers["Cache-Control"] == "no-store"


def test_counts_survive_many_other_keys_in_the_cache() -> None:
    """Failed sign-ins and request limits are counted in it: names made up by a stranger must not push them out."""
    cache.set("the-count", 7, 60)
    for number in range(2_000):
        cache.set(f"noise-{number}", 1, 60)
    assert cache.get("the-count") == 7
