"""An object that has a name twice is refused: whichever counted, the sender may have meant the other audience."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from sharing.signals.models import Signal
from tests.api.test_errors import check, good, send

pytestmark = pytest.mark.django_db


def twice(body: dict[str, Any], name: str, first: Any) -> bytes:
    """The body as text, with the name once more before all others."""
    return f"{{{json.dumps(name)}: {json.dumps(first)}, {json.dumps(body)[1:]}".encode()


def problems(errors: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(error["path"], error["code"]) for error in errors]


@pytest.mark.parametrize(
    ("name", "first"), [("tlp", "RED"), ("sharing_groups", []), ("indicators", []), ("summary", "")]
)
def test_a_name_twice_in_a_signal(client: Client, key: str, name: str, first: Any) -> None:
    body = twice(good(tlp="GREEN", summary="x"), name, first)
    assert problems(check(send(client, key, body), 400)["errors"]) == [(f"/{name}", "repeated_name")]
    assert not Signal.objects.exists()


def test_a_name_twice_further_inside(client: Client, key: str) -> None:
    indicator = twice(good()["indicators"][0], "type", "sha1").decode()
    body = json.dumps(good(indicators=["here"])).replace('"here"', indicator).encode()
    assert problems(check(send(client, key, body), 400)["errors"]) == [("/indicators/0/type", "repeated_name")]
    frames = '[{"hash": "a", "quality": 90, "timestamp": 0}, {"hash": "a", "hash": "b"}]'
    body = json.dumps(good(indicators=[{"type": "vpdq", "value": "here"}])).replace('"here"', frames).encode()
    assert problems(check(send(client, key, body), 400)["errors"]) == [("/indicators/0/value/1", "repeated_name")]


def test_of_a_batch_and_of_lines_only_that_row_is_refused(client: Client, key: str) -> None:
    rows = [json.dumps(good(external_id="a")).encode(), twice(good(external_id="b", tlp="GREEN"), "tlp", "RED")]
    batch = send(client, key, b'{"signals": [' + b",".join(rows) + b"]}", path="/api/v1/signals/batch")
    assert [len(row.get("errors") or []) for row in batch.json()["results"]] == [0, 1], batch.content
    assert problems(batch.json()["results"][1]["errors"]) == [("/signals/1/tlp", "repeated_name")]
    lines = send(
        client, key, b"\n".join(rows), path="/api/v1/signals/bulk", content_type="application/x-ndjson",
        headers={"authorization": f"Bearer {key}", "idempotency-key": "twice"},
    )  # fmt: skip
    assert (lines.json()["stored"], lines.json()["refused"]) == (1, 1), lines.content
    assert list(Signal.objects.values_list("external_id", flat=True)) == ["a"]


def test_a_name_twice_in_other_bodies(client: Client, key: str) -> None:
    body = b'{"items": [], "items": [{"type": "md5", "value": "900150983cd24fb0d6963f7d28e17f72"}]}'
    answer = send(client, key, body, path="/api/v1/lookups")
    assert problems(check(answer, 400)["errors"]) == [("/items", "repeated_name")]
    body = b'{"secret@example.org": 1, "secret@example.org": 2}'
    answer = send(client, key, body)
    assert "unknown_field" in [code for _path, code in problems(check(answer, 400)["errors"])]
    assert b"secret" not in answer.content


@pytest.mark.parametrize("name", ["kind", "external_id"])
def test_a_change_names_what_stays_beside_all_else_that_is_wrong(client: Client, key: str, name: str) -> None:
    sent = send(client, key, good()).json()
    headers = {"authorization": f"Bearer {key}"}
    body = json.dumps({name: "account", "confidence": 101, "sevrity": "low"})
    answer = client.patch(f"/api/v1/signals/{sent['id']}", body, content_type="application/json", headers=headers)
    assert sorted(problems(check(answer, 400)["errors"])) == sorted(
        [(f"/{name}", f"{name}_stays"), ("/confidence", "max_value"), ("/sevrity", "unknown_field")]
    )


def test_a_wrong_name_hides_no_wrong_value(client: Client, key: str) -> None:
    body = twice({**good(confidence=101, tlp="GREEN"), "expiry": 1, "secret@example.org": 1}, "tlp", "RED")
    answer = send(client, key, body)
    assert sorted(problems(check(answer, 400)["errors"])) == sorted(
        [("", "unknown_field"), ("/confidence", "max_value"), ("/expiry", "unknown_field"), ("/tlp", "repeated_name")]
    )
    assert b"secret" not in answer.content


@pytest.mark.parametrize("name", ["severity\0", "kind@x.yz", "kind_5550100", "k\u0131nd"])
def test_a_name_that_may_be_an_identifier_is_not_repeated(client: Client, key: str, name: str) -> None:
    answer = send(client, key, good(**{name: "low"}))
    assert problems(check(answer, 400)["errors"]) == [("", "unknown_field")]
    assert json.dumps(name)[1:-1].encode() not in answer.content
