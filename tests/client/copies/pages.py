"""Pages of a feed as the hub writes them, for tests of the file that they go into."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from hub_client.answers import FeedPage
from hub_client.copies.file import Owner

OWNER = Owner("https://hub.example", "alpha")
FAR = "2100-01-01T00:00:00Z"


def uuid(number: int) -> str:
    return str(UUID(int=number))


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def signal(number: int, *indicators: tuple[str, str, int | None], **fields: Any) -> dict[str, Any]:
    return {
        "id": uuid(number), "organisation": "beta", "external_id": None, "kind": "content", "harm": "people_smuggling",
        "severity": "high", "confidence": 50, "tlp": "GREEN", "subject_role": "unknown", "summary": "",
        "lawful_basis": "", "state": "active", "observed_at": None, "expires_at": FAR, "created_at": FAR,
        "updated_at": FAR, "sharing_groups": ["watch"], "account": None,
        "indicators": [
            {"type": kind, "value": value, "key_id": "", "quality": quality}
            for kind, value, quality in indicators or [("md5", md5(str(number)), None)]
        ],
        **fields,
    }  # fmt: skip


def page(
    cursor: str, upserts: Sequence[Mapping[str, Any]] = (), removed: Sequence[int] = (), *, more: bool
) -> FeedPage:
    entries = [{"id": one["id"], "change": "upsert", "signal": one} for one in upserts]
    gone = [{"id": uuid(number), "change": "remove", "reason": "retracted"} for number in removed]
    body = json.dumps({"entries": [*entries, *gone], "cursor": cursor, "more": more})
    return msgspec.json.decode(body.encode(), type=FeedPage)
