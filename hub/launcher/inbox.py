"""What one member reads and is answered over public HTTP (roof)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from hub.launcher.errors import CannotStart

_PAGE = 50

Pair = frozenset[str]  # two signals: their references in the plan, their ids in an inbox
Due = tuple[str, Pair]  # who is told of which pair


@dataclass
class Inbox:
    """The matches that one organisation can read, as pairs of signal ids, with what made each a match."""

    name: str
    client: httpx.Client
    pairs: dict[Pair, str] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, *, url: str, key: str) -> Inbox:
        headers = {"Authorization": f"Bearer {key}"}
        return cls(name, httpx.Client(base_url=url, headers=headers, timeout=30.0, trust_env=False))

    def look(self, *, newest: int | None = None) -> None:
        """Read the newest rows only, or (None) all of them."""
        for row in self._rows(newest):
            for related in row["related"]:
                pair = frozenset({row["signal"]["id"], related["signal"]["id"]})
                self.pairs.setdefault(pair, in_words(related["evidence"]))

    def _rows(self, newest: int | None) -> Iterator[dict[str, Any]]:
        url: str | None = f"/api/v1/matches?limit={newest or _PAGE}"
        while url:
            page = answer(self.client.get(url))
            yield from page["results"]
            url = None if newest else page["next"]


def in_words(evidence: list[dict[str, Any]]) -> str:
    """The strongest piece: an identity of files or identifiers before a likeness of pictures."""
    best = min(evidence, key=lambda piece: (piece["threshold"] > 0, piece["distance"]))
    if best["threshold"] == 0:
        return f"{best['type']}, identical"
    if best["distance"] == 0:
        return f"{best['type']}, all bits the same"
    return f"{best['type']}, {best['distance']} {'bit differs' if best['distance'] == 1 else 'bits differ'}"


def answer(response: httpx.Response) -> Any:
    """The body of a success. Raises CannotStart with the problem's own words otherwise."""
    if response.is_success:
        return response.json()
    asked = f"{response.request.method} {response.request.url.path}"
    said = said_of(problems_in(response)) or _detail(response) or "no word"
    raise CannotStart(f"{asked} answered {response.status_code}: {said}")


def problems_in(response: httpx.Response) -> list[dict[str, str]]:
    """The problems that an answer names, without what was sent; one without a path when it has a detail only."""
    words = response.json() if "json" in response.headers.get("content-type", "") else {}
    problems: list[dict[str, str]] = words.get("errors") or []
    return problems


def said_of(problems: list[dict[str, str]]) -> str:
    return "; ".join(f"{problem['path']}: {problem['message']}" for problem in problems)


def _detail(response: httpx.Response) -> str:
    if "json" not in response.headers.get("content-type", ""):
        return ""
    return str(response.json().get("detail", ""))
