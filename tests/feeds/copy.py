"""A member's copy of what it sees, kept by the feed as a client keeps it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from accounts.models import Organisation
from tests import factories

FEED = "/api/v1/feed"


@dataclass
class Copy:
    """`saved` is what survives a crash: the signals and the cursor, stored together."""

    key: str = field(repr=False)
    query: dict[str, Any] = field(default_factory=dict)
    signals: dict[str, Any] = field(default_factory=dict)
    cursor: str = ""
    entries: list[dict[str, Any]] = field(default_factory=list)
    pages: int = 0
    # Of its own: each new one makes all middleware anew.
    client: Client = field(default_factory=Client, repr=False)

    @classmethod
    def of(cls, organisation: Organisation, **query: Any) -> Copy:
        return cls(factories.make_client(organisation)[1], query)

    def ask(self, **headers: str) -> Any:
        query = {**self.query, **({"cursor": self.cursor} if self.cursor else {})}
        return self.client.get(FEED, query, headers={"Authorization": f"Bearer {self.key}", **headers})

    def read_page(self) -> bool:
        """Applies one page and says whether there is more."""
        return self.apply(self.ask())

    def apply(self, response: Any) -> bool:
        """The page of an answer; whether there is more."""
        assert response.status_code == 200, response.content
        page = json.loads(response.content)
        for entry in page["entries"]:
            if entry["change"] == "upsert":
                self.signals[entry["id"]] = entry["signal"]
            else:
                self.signals.pop(entry["id"], None)
        self.entries += page["entries"]
        self.cursor = page["cursor"]
        self.pages += 1
        return bool(page["more"])

    def sync(self) -> list[dict[str, Any]]:
        """Reads to the end; the entries that came."""
        self.entries = []
        while self.read_page():
            assert self.pages < 10_000
        return self.entries

    def changes(self) -> dict[str, str]:
        """What the next reading brings: id -> upsert, or the reason of a removal."""
        return {entry["id"]: entry.get("reason", "upsert") for entry in self.sync()}
