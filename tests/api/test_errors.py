"""What the API says when something is wrong: problem details that name the field and the mend, and never the value."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db


def send(client: Client, key: str, body: Any, path: str = "/api/v1/signals", **more: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    options = {"content_type": "application/json", "headers": {"authorization": f"Bearer {key}"}, **more}
    return client.post(path, data, **options)


def good(**fields: Any) -> dict[str, Any]:
    return {
        "kind": "content",
        "harm": "other",
        "severity": "low",
        "sharing_groups": ["watch"],
        "indicators": [{"type": "md5", "value": "900150983cd24fb0d6963f7d28e17f72"}],
        **fields,
    }


def check(response: Any, status: int) -> Any:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail", "errors"}
    assert body["status"] == status
    return body


@pytest.mark.parametrize(
    ("field", "value", "path", "code"),
    [
        ("kind", "secret@example.org", "/kind", "invalid_choice"),
        ("severity", None, "/severity", "null"),
        ("confidence", 101, "/confidence", "max_value"),
        ("indicators", "secret@example.org", "/indicators", "not_a_list"),
        ("indicators", [], "/indicators", "required"),
        ("indicators", [3], "/indicators/0", "invalid"),
        ("indicators", [{"type": "md5"}], "/indicators/0/value", "required"),
        ("indicators", [{"type": "secret@example.org", "value": "x"}], "/indicators/0/type", "unknown_type"),
        ("indicators", [{"type": "phone", "value": "secret@example.org"}], "/indicators/0/value", None),
        ("observed_at", "yesterday", "/observed_at", "invalid"),
        ("expiry", "2030-01-01", "/expiry", "unknown_field"),
        ("summary", "a\u0000b", "/summary", "null_characters_not_allowed"),
        ("summary", "a\ud800b", "/summary", "surrogate_characters_not_allowed"),
        ("account", {"platform": "NOT A SLUG"}, "/account/platform", "invalid"),
    ],
)
def test_a_problem_is_named_and_the_value_not_repeated(
    client: Client, key: str, field: str, value: Any, path: str, code: str | None
) -> None:
    response = send(client, key, good(**{field: value}))
    body = check(response, 400)
    found = {error["path"]: error for error in body["errors"]}
    assert path in found, body
    assert code is None or found[path]["code"] == code
    assert "secret" not in response.content.decode()


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"kind": NaN}', b"[" * 100_000, b'"text"', b"null", b"", b"[]"])
def test_bodies_that_are_no_signal(client: Client, key: str, body: bytes) -> None:
    check(send(client, key, body), 400)


def test_a_body_that_is_too_large(client: Client, key: str, settings: LazySettings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    check(send(client, key, good(summary="x" * 2000)), 413)


@pytest.mark.parametrize("part", [b"{},", b"1,", b'{"a":1},', b"[],"])
def test_a_body_of_very_many_values_is_not_made_into_objects(client: Client, key: str, part: bytes) -> None:
    tracemalloc.start()
    try:
        answer = send(client, key, b'{"indicators":[' + part * 2_000_000 + b"1]}")
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "1,500,000 commas" in check(answer, 413)["detail"]
    assert most < 100 * 2**20


def test_methods_media_types_and_unknown_addresses(client: Client, key: str) -> None:
    headers = {"authorization": f"Bearer {key}"}
    check(client.delete("/api/v1/signals", headers=headers), 405)
    check(client.options("/api/v1/signals", headers=headers), 405)
    check(send(client, key, b"a=b", content_type="application/x-www-form-urlencoded"), 415)
    check(client.get("/api/v1/signals", headers={**headers, "accept": "text/html"}), 406)
    check(client.get("/api/v1/nothing-here", headers=headers), 404)


def test_no_answer_repeats_a_media_type_or_a_method(client: Client, key: str) -> None:
    answer = send(client, key, b"a=b", content_type="secret/someone@example.org")
    assert "Content-Type: application/json" in check(answer, 415)["detail"]
    assert b"secret" not in answer.content
    answer = client.generic("SECRET", "/api/v1/signals", headers={"authorization": f"Bearer {key}"})
    assert "SECRET" not in check(answer, 405)["detail"]
    assert "POST" in answer["Allow"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": None, "summary": None, "external_id": "", "indicators": "x", "confidence": 101, "account": 3},
        {"summary": "x" * 4_001, "confidence": "x", "observed_at": "yesterday", "sharing_groups": ["", "x" * 61]},
        {"summary": "a\u0000b", "lawful_basis": "\ud800", "account": {"platform": "no such name", "behaviours": 1}},
        [],
    ],
)
def test_every_problem_says_how_to_mend_it(client: Client, key: str, body: Any) -> None:
    problems = check(send(client, key, body), 400)["errors"]
    assert problems
    assert [problem for problem in problems if not problem["mend"]] == []


def test_a_compressed_body_is_told_so(client: Client, key: str) -> None:
    headers = {"authorization": f"Bearer {key}", "content-encoding": "gzip"}
    answer = send(client, key, gzip.compress(b"{}"), headers=headers)
    assert "Content-Encoding" in check(answer, 400)["detail"]
    assert "Content-Encoding" not in check(send(client, key, b"{"), 400)["detail"]


@pytest.mark.parametrize("path", ["signals", "signals/batch", "lookups"])
@pytest.mark.parametrize("levels", [19, 25, 500, *range(890, 1_000, 7), 925, 3_000, 100_000])
def test_nesting_at_any_depth_is_a_400(client: Client, key: str, path: str, levels: int) -> None:
    name = {"signals": "indicators", "signals/batch": "signals", "lookups": "items"}[path]
    body = f'{{"{name}": [{"[" * levels}{"]" * levels}]}}'.encode()
    client.raise_request_exception = False
    assert "nested too deep" in check(send(client, key, body, f"/api/v1/{path}"), 400)["detail"]
    body = b'{"a":' * levels + b"1" + b"}" * levels
    assert check(send(client, key, body, f"/api/v1/{path}"), 400)


def test_what_a_video_needs_is_not_too_deep(client: Client, key: str) -> None:
    row = good(indicators=[{"type": "vpdq", "value": [{"hash": "x"}] * 30}])
    (answer,) = send(client, key, {"signals": [row]}, "/api/v1/signals/batch").json()["results"]
    assert answer["errors"][0]["code"] == "not_a_frame"


def test_no_key_and_no_scope(client: Client) -> None:
    response = client.get("/api/v1/signals")
    check(response, 401)
    assert response["WWW-Authenticate"] == "Bearer"
    check(client.get("/api/v1/signals", headers={"authorization": "Bearer a b"}), 401)
    _client, key = factories.make_client(factories.make_organisation(), scopes=["matches:read"])
    check(client.get("/api/v1/signals", headers={"authorization": f"Bearer {key}"}), 403)


@pytest.mark.parametrize(
    "query", ["cursor=zzz", "limit=0", "limit=x", "kinds=content", "kind=secret", "since=never", "text=a%00b"]
)
def test_bad_queries(client: Client, key: str, query: str) -> None:
    response = client.get(f"/api/v1/signals?{query}", headers={"authorization": f"Bearer {key}"})
    body = check(response, 400)
    assert body["errors"][0]["path"] == f"/{query.partition('=')[0]}"
    assert "secret" not in response.content.decode()


def test_a_session_counts_for_nothing(client: Client) -> None:
    client.force_login(factories.make_user(), backend="accounts.backends.MemberBackend")
    check(client.get("/api/v1/signals"), 401)


def test_too_many_requests_say_when_to_come_back(client: Client, key: str, settings: LazySettings) -> None:
    settings.API_RATE_PER_MINUTE = 2
    headers = {"authorization": f"Bearer {key}"}
    statuses = [client.get("/api/v1/whoami", headers=headers).status_code for _ in range(4)]
    response = client.get("/api/v1/whoami", headers=headers)
    # A minute may end between two of them.
    assert statuses.count(429) >= 1 or response.status_code == 429
    if response.status_code == 429:
        assert 1 <= int(response["Retry-After"]) <= 61
        check(response, 429)


def test_a_database_that_is_away_is_503_and_not_a_defect(
    client: Client, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("sharing.signals.services.submit_signal", away)
    response = send(client, key, good())
    check(response, 503)
    assert response["Retry-After"] == "2"


def test_batch_rows_say_what_became_of_each(client: Client, key: str) -> None:
    response = send(client, key, {"signals": [good(external_id="1"), 3, good(kind="x")]}, "/api/v1/signals/batch")
    body = response.json()
    assert (response.status_code, body["stored"], body["refused"]) == (200, 1, 2)
    assert [row["status"] for row in body["results"]] == ["created", "refused", "refused"]
    assert [row["errors"][0]["path"] for row in body["results"][1:]] == ["/signals/1", "/signals/2/kind"]


def test_pages_are_walked_by_next(client: Client, key: str) -> None:
    send(client, key, {"signals": [good(external_id=str(number)) for number in range(5)]}, "/api/v1/signals/batch")
    address, ids = "/api/v1/signals?limit=2&kind=content", []
    while address:
        page = client.get(address, headers={"authorization": f"Bearer {key}"}).json()
        ids += [row["external_id"] for row in page["results"]]
        address = page["next"]
    assert ids == ["4", "3", "2", "1", "0"]
