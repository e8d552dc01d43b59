"""A batch reads each row as the single way reads it, and does not pay for each row what it could pay once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from sharing.api.serializers.signals import SignalIn

pytestmark = pytest.mark.django_db
BAD: list[Any] = [
    3,
    [],
    {},
    {"kind": "account", "platform": "exampletube"},
    {"indicators": [{"type": "md5"}, 3, {"type": "md5", "value": "x", "vlaue": "x"}]},
    {"account": {"platform": "no such name", "behaviours": ["x", 3]}},
    {"expires_at": "tomorrow", "sharing_groups": "watch", "severity": None},
]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[SignalIn]:
    """The serializers of signals that were built."""
    found: list[SignalIn] = []
    build = SignalIn.__init__

    def noted(self: SignalIn, *args: Any, **kwargs: Any) -> None:
        found.append(self)
        build(self, *args, **kwargs)

    monkeypatch.setattr(SignalIn, "__init__", noted)
    return found


def send(client: Client, key: str, path: str, body: Any) -> Any:
    headers = {"authorization": f"Bearer {key}"}
    return client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=headers).json()


def good(number: int) -> dict[str, Any]:
    return {
        "external_id": f"ad-{number}",
        "kind": "content",
        "harm": "other",
        "severity": "low",
        "sharing_groups": ["watch"],
        "indicators": [{"type": "md5", "value": f"{number:032x}"}],
    }


def test_rows_have_the_errors_that_each_has_alone(client: Client, key: str) -> None:
    rows = [row for number, bad in enumerate(BAD) for row in (bad, good(number))]
    results = send(client, key, "signals/batch", {"signals": rows})["results"]
    assert [row["status"] for row in results] == ["refused", "created"] * len(BAD)
    for number, row in enumerate(BAD):
        alone = send(client, key, "signals", row)["errors"]
        assert alone
        prefix = f"/signals/{2 * number}"
        assert results[2 * number]["errors"] == [{**error, "path": prefix + error["path"]} for error in alone]


def test_one_serializer_reads_a_whole_batch(client: Client, key: str, built: list[SignalIn]) -> None:
    assert send(client, key, "signals/batch", {"signals": [good(number) for number in range(5)]})["stored"] == 5
    assert len(built) == 1
