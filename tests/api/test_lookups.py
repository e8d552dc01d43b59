"""POST /lookups and GET /lookups/range over HTTP: form, errors, limits, and nothing of the question anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiClient
from hub.audit.models import AuditEntry
from sharing.api.serializers.lookups import item_weight
from sharing.matching import ranges
from sharing.matching.ranges import TYPES
from tests import factories

pytestmark = pytest.mark.django_db

PATH = "/api/v1/lookups"
MD5 = "900150983cd24fb0d6963f7d28e17f72"
ITEM = {"type": "md5", "value": MD5}


@pytest.fixture
def key() -> str:
    """alpha's: it has submitted MD5."""
    organisation, group = factories.make_organisation("alpha"), factories.make_group("watch")
    factories.give(organisation, group)
    client, key = factories.make_client(organisation)
    factories.submit(organisation, group, indicators=[("md5", MD5)])
    assert client.scopes
    return key


def ask(client: Client, key: str, *items: Any, **body: Any) -> Any:
    data = json.dumps({"items": items, **body})
    return client.post(PATH, data, content_type="application/json", headers={"authorization": f"Bearer {key}"})


def page(client: Client, key: str, address: str) -> Any:
    return client.get(address, headers={"authorization": f"Bearer {key}"})


def test_an_answer_for_each_item(client: Client, key: str) -> None:
    response = ask(client, key, ITEM, {"type": "md5", "value": "0" * 32}, {"type": "md5"}, {**ITEM, "quality": 7})
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert (body["found"], body["refused"]) == (2, 1)
    found, none, refused, again = body["results"]
    (signal,) = found["signals"]
    assert page(client, key, f"/api/v1/signals/{signal.pop('id')}").status_code == 200
    assert signal == {
        "organisation": "alpha",
        "harm": "human_trafficking",
        "severity": "high",
        "tlp": "AMBER",
        "distance": 0,
        "verdicts": {"true_positive": 0, "false_positive": 0, "disputed": 0, "needs_more": 0},
    }
    assert (found["status"], found["more"], found["errors"]) == ("found", False, [])
    assert none == {"item": 1, "status": "none", "signals": [], "more": False, "errors": []}
    assert (refused["item"], refused["status"], refused["signals"]) == (2, "refused", [])
    assert [(error["path"], error["code"]) for error in refused["errors"]] == [("/items/2/value", "required")]
    assert again["status"] == "found"


@pytest.mark.parametrize(
    ("item", "path", "code"),
    [
        ({"type": "md5", "value": "secret@example.org"}, "/items/0/value", "not_hex"),
        ({"type": "email", "value": MD5}, "/items/0/value", "unkeyed_hash"),
        ({"type": "secret@example.org", "value": MD5}, "/items/0/type", "unknown_type"),
        ({"type": "phone", "value": "secret"}, "/items/0/value", None),
        ({"type": "phone", "value": 447911123456}, "/items/0/value", "not_text"),
        ({"type": "username", "value": "secret"}, "/items/0/value", "platform_missing"),
        ({**ITEM, "quality": 101}, "/items/0/quality", "max_value"),
        ({**ITEM, "valeu": "secret"}, "/items/0/valeu", "unknown_field"),
        ({"type": "md5", "value": "sec\u0000ret"}, "/items/0/value", "null_characters_not_allowed"),
        ({"type": "md5", "value": ""}, "/items/0/value", "blank"),
        ({"type": ["md5"], "value": MD5}, "/items/0/type", "not_text"),
        ("secret", "/items/0", "invalid"),
        (None, "/items/0", None),
    ],
)
def test_what_is_wrong_with_an_item_is_named_and_not_repeated(
    client: Client, key: str, item: Any, path: str, code: str | None
) -> None:
    response = ask(client, key, item, ITEM)
    assert response.status_code == 200, response.content
    refused, found = response.json()["results"]
    assert found["status"] == "found"
    errors = {error["path"]: error for error in refused["errors"]}
    assert refused["status"] == "refused"
    assert path in errors, errors
    assert code in (None, errors[path]["code"])
    assert "secret" not in response.content.decode()


@pytest.mark.parametrize(
    ("body", "path"),
    [({}, "/items"), ({"items": []}, "/items"), ({"items": "x"}, "/items"), ({"items": [ITEM], "itmes": 1}, "/itmes"),
     ({"items": [ITEM] * 1_001}, "/items"), ([], "")],
)  # fmt: skip
def test_an_envelope_that_is_wrong_is_refused_whole(client: Client, key: str, body: Any, path: str) -> None:
    response = client.post(
        PATH, json.dumps(body), content_type="application/json", headers={"authorization": f"Bearer {key}"}
    )
    assert response.status_code == 400
    assert [error["path"] for error in response.json()["errors"]] == [path]


def test_a_thousand_items_are_answered(client: Client, key: str) -> None:
    body = ask(client, key, *[{"type": "md5", "value": f"{number:032x}"} for number in range(1, 1_000)], ITEM).json()
    assert [row["item"] for row in body["results"]] == list(range(1_000))
    assert body["found"] == 1


@pytest.mark.parametrize("path", [PATH, f"{PATH}/range/md5/{MD5[:5]}"])
def test_the_scope_is_needed(client: Client, key: str, path: str) -> None:
    ApiClient.objects.update(scopes=["signals:read"])
    response = ask(client, key, ITEM) if path == PATH else page(client, key, path)
    assert response.status_code == 403
    assert not AuditEntry.objects.filter(action__contains="looked_up").exists()


def test_queries_of_a_request(client: Client, key: str) -> None:
    ask(client, key, ITEM)  # writes when the key was last used
    with CaptureQueriesContext(connection) as queries:
        ask(client, key, {"type": "md5", "value": "0" * 32})
    tables = ["accounts_apikey", "audit_auditentry", "sharing_signalindicator"]
    assert [next(table for table in tables if table in query["sql"]) for query in queries] == tables


def test_hashes_count_a_hundredth_of_a_request_and_identifiers_a_whole_one(client: Client, key: str) -> None:
    ApiClient.objects.update(rate_per_minute=2)
    address = {"type": "email", "value": "someone@example.org"}
    assert ask(client, key, *[ITEM] * 99).status_code == 200
    assert ask(client, key, ITEM).status_code == 200
    assert ask(client, key, address).status_code == 200
    refused = ask(client, key, ITEM)
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 61


@pytest.mark.parametrize("name", ["email ", " email", "email\n", "Email", "e-mail", "", ["md5"], None])
def test_only_the_exact_name_of_a_hash_counts_less_and_a_name_is_not_trimmed(
    client: Client, key: str, name: Any
) -> None:
    ApiClient.objects.update(rate_per_minute=1)
    item = {"type": name, "value": "someone@example.org"}
    answer = ask(client, key, item)
    assert answer.status_code == 200
    assert answer.json()["results"][0]["status"] == "refused"
    assert ask(client, key, ITEM).status_code == 429


@pytest.mark.parametrize(
    ("item", "weight"),
    [
        (ITEM, 1),
        ({"type": "pdq", "value": "f" * 64, "quality": 90}, 1),
        ({"type": "url", "value": "https://example.org/"}, 1),
        ({"type": "url", "value": "https://example.org/?" + "a&" * 2_037}, 64),
        ({"type": "text", "value": "\ufdfa" * 30_000}, 1_407),
        ({"type": "text", "value": "\ud800"}, 1),
        ({"type": "md5", "value": ""}, 1),
        ({"type": "phone", "value": "1"}, 100),
    ],
)
def test_a_value_counts_by_its_bytes(item: Any, weight: int) -> None:
    assert item_weight(item) == weight


def test_a_video_counts_by_the_bytes_of_the_body(client: Client, key: str) -> None:
    ApiClient.objects.update(rate_per_minute=8)
    frames = [{"hash": f"{number:064x}", "quality": 90, "timestamp": number} for number in range(500)]
    video = {"type": "vpdq", "value": frames}
    assert ask(client, key, video).status_code == 200  # some 56,000 bytes: more than four requests
    assert ask(client, key, video).status_code == 429


def test_who_is_over_the_limit_is_refused_unread(client: Client, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ApiClient.objects.update(rate_per_minute=1)
    assert ask(client, key, *[ITEM] * 99).status_code == 200
    read: list[Any] = []
    monkeypatch.setattr("sharing.api.parsing.BoundedJSONParser.parse", lambda *args, **_kwargs: read.append(args))
    assert ask(client, key, *[ITEM] * 1_000).status_code == 429
    assert read == []


def test_what_was_counted_by_the_size_is_not_counted_twice(client: Client, key: str) -> None:
    ApiClient.objects.update(rate_per_minute=2)
    assert ask(client, key, *[ITEM] * 198).status_code == 200
    assert ask(client, key, ITEM, ITEM).status_code == 200
    assert ask(client, key, ITEM).status_code == 429


def test_a_body_that_can_not_be_read_counts_too(client: Client, key: str) -> None:
    ApiClient.objects.update(rate_per_minute=2)
    headers = {"authorization": f"Bearer {key}"}
    for expected in (400, 400, 429):
        answer = client.post(PATH, b'{"items": [', content_type="application/json", headers=headers)
        assert answer.status_code == expected


def test_strangers_are_counted_without_reading_what_they_send(client: Client, settings: LazySettings) -> None:
    settings.API_ANONYMOUS_RATE_PER_MINUTE = 1
    assert [ask(client, "hub_wrong", ITEM).status_code for _ in range(2)] == [401, 429]


def test_a_range_holds_the_rest_of_each_hash(client: Client, key: str) -> None:
    answer = page(client, key, f"{PATH}/range/md5/{MD5[:5].upper()}")
    assert answer.json() == {"results": [{"suffix": MD5[5:], "signals": 1, "more": False}], "next": None}
    elsewhere = f"{int(MD5[:5], 16) + 1:05x}"
    assert page(client, key, f"{PATH}/range/md5/{elsewhere}").json() == {"results": [], "next": None}
    assert page(client, key, f"{PATH}/range/sha1/{MD5[:5]}").json() == {"results": [], "next": None}
    entries = AuditEntry.objects.filter(action="signals.range_looked_up")
    assert [entry.detail for entry in entries] == [{"requests": 1, "items": 1}] * 3


def test_pages_of_a_range_follow_each_other(client: Client, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "MOST_SUFFIXES", 3)
    hashes = sorted({MD5, *(f"{MD5[:5]}{number:027x}" for number in (0, 7, 2**100, 2**105, 2**108 - 1, 12))})
    client_ = ApiClient.objects.get(name__startswith="client")
    group = client_.organisation.signals.get().groups.get()
    for value in hashes:
        factories.submit(client_.organisation, group, indicators=[("md5", value)])
    walked, address = [], f"{PATH}/range/md5/{MD5[:5]}"
    while address:
        body = page(client, key, address).json()
        assert len(body["results"]) <= 3
        walked += [MD5[:5] + row["suffix"] for row in body["results"]]
        address = body["next"]
    assert walked == hashes


@pytest.mark.parametrize(
    ("address", "path"),
    [("md5/9001", "/prefix"), ("md5/900150", "/prefix"), ("md5/9001g", "/prefix"), ("pdq/90015", "/type"),
     ("email/90015", "/type"), ("nothing/90015", "/type"), ("md5/90015?after=secret", "/after"),
     (f"md5/90015?after={'f' * 28}", "/after")],
)  # fmt: skip
def test_what_is_wrong_with_a_range_is_named(client: Client, key: str, address: str, path: str) -> None:
    answer = page(client, key, f"{PATH}/range/{address}")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["path"] == path
    assert error["mend"]
    assert "secret" not in answer.content.decode()


def test_ranges_are_of_hashes_that_a_member_makes_itself() -> None:
    assert TYPES == ("md5", "sha1", "sha256", "url", "text")


def test_the_log_has_look_ups_that_failed_and_none_that_was_answered(
    client: Client, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = {"items": [{"type": "md5", "value": "900150983cd24fb0d6963f7d28e17f72"}]}
    for body in (asked, {"items": []}):
        client.post("/api/v1/lookups", body, "application/json", headers={"Authorization": f"Bearer {key}"})
    lines = [str(record.msg) for record in caplog.records if "/api/v1/lookups" in str(record.msg)]
    assert ["'code': 400" in line for line in lines] == [True]
