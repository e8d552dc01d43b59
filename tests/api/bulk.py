"""Making and sending bulk uploads in tests."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.actor import Actor
from sharing.api import ndjson, receiving

PATH = "/api/v1/signals/bulk"


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "external_id": f"ad-{number}",
        "kind": "content",
        "harm": "other",
        "severity": "low",
        "summary": f"Advert {number}",
        "sharing_groups": ["watch"],
        "indicators": [{"type": "md5", "value": f"{number + 1:032x}"}],
        **more,
    }


def lines(*rows: Any) -> bytes:
    return b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in rows)


def send(client: Client, key: str, body: bytes, idempotency: str = "upload-1", **headers: str) -> Any:
    kind = headers.pop("content_type", ndjson.MEDIA_TYPE)
    headers = {"authorization": f"Bearer {key}", "idempotency-key": idempotency, **headers}
    return client.post(PATH, body, content_type=kind, headers={k: v for k, v in headers.items() if v})


def send_part(client: Client, key: str, part: bytes, length: int, idempotency: str = "upload-1") -> Any:
    """As of a sender that goes away after this part of a longer body."""
    read = {"wsgi.input": io.BytesIO(part), "CONTENT_LENGTH": str(length), "CONTENT_TYPE": ndjson.MEDIA_TYPE}
    headers = {"authorization": f"Bearer {key}", "idempotency-key": idempotency}
    return client.generic("POST", PATH, headers=headers, **read)  # type: ignore[arg-type]


def before_piece(monkeypatch: pytest.MonkeyPatch, number: int, change: Callable[[], object]) -> None:
    """Have something change just before the rights for that piece are asked for."""
    read, asked = receiving.asked_again, []

    def meanwhile(actor: Actor) -> Actor:
        asked.append(actor)
        if len(asked) == number:
            change()
        return read(actor)

    monkeypatch.setattr(receiving, "asked_again", meanwhile)


def get(client: Client, key: str, path: str) -> Any:
    return client.get(path, headers={"authorization": f"Bearer {key}"})


def results(client: Client, key: str, upload: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path: str | None = f"{PATH}/{upload}/results?{query}"
    while path:
        page = get(client, key, path).json()
        found += page["results"]
        path = page["next"]
    return found
