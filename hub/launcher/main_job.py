"""Runs the demo's main job over public HTTP (roof): submit, wait until the matches can be read, compare.

A program of its own, so that drawing does not hold up the launcher. It reads one line of JSON from its input
({"url", "keys"}, the keys as manage.py demo_data prints them) and prints one line.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from hub.launcher.errors import CannotStart
from hub.launcher.scenario import READERS, Plan, Submission, plan

GROUP = "trafficking-watch"
_POLL = 0.02  # seconds between two looks at an inbox
_PATIENCE = 20.0  # seconds for a match to come
_QUIET = 0.5  # seconds in which nothing unexpected may come
_WHOLE_INBOX_EVERY = 10  # looks; in between the newest rows are enough
_PAGE = 50

Pair = frozenset[str]  # two signals: their references in the plan, their ids in an inbox
Due = tuple[str, Pair]  # who is told of which pair


@dataclass
class Inbox:
    """The matches that one organisation can read, as pairs of signal ids, with what made each a match."""

    name: str
    client: httpx.Client
    pairs: dict[Pair, str] = field(default_factory=dict)

    def look(self, *, newest: int | None = None) -> None:
        """Read the newest rows only, or (None) all of them."""
        for row in self._rows(newest):
            for related in row["related"]:
                pair = frozenset({row["signal"]["id"], related["signal"]["id"]})
                self.pairs.setdefault(pair, _in_words(related["evidence"]))

    def _rows(self, newest: int | None) -> Iterator[dict[str, Any]]:
        url: str | None = f"/api/v1/matches?limit={newest or _PAGE}"
        while url:
            page = _answer(self.client.get(url))
            yield from page["results"]
            url = None if newest else page["next"]


def _in_words(evidence: list[dict[str, Any]]) -> str:
    """The strongest piece: an identity of files or identifiers before a likeness of pictures."""
    best = min(evidence, key=lambda piece: (piece["threshold"] > 0, piece["distance"]))
    if best["threshold"] == 0:
        return f"{best['type']}, identical"
    if best["distance"] == 0:
        return f"{best['type']}, all bits the same"
    return f"{best['type']}, {best['distance']} bits differ"


@dataclass
class MainJob:
    """One run against a hub at `url`, with an API key for each organisation."""

    url: str
    keys: dict[str, str]
    story: Plan

    def __post_init__(self) -> None:
        self._ids: dict[str, str] = {}  # reference -> id, of what has been submitted
        self._latencies: list[float] = []
        self._inboxes = {name: Inbox(name, self._client(name)) for name in READERS if name in self.keys}

    def _client(self, name: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.keys[name]}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30.0, trust_env=False)

    def run(self) -> dict[str, Any]:
        """Submit everything, wait for what is expected and a moment for what is not."""
        for inbox in self._inboxes.values():
            inbox.look()  # what an earlier run has led to is not at the top of the inbox any more
        for submission in self.story.single:
            began = time.monotonic()
            response = self._poster(submission).post("/api/v1/signals", json=submission.body)
            self._ids[submission.reference] = _answer(response)["id"]
            due = self._newly_due({submission.reference})
            self._wait_for(due, began, timed=response.status_code == httpx.codes.CREATED)
        for batch in self.story.batches:
            began = time.monotonic()
            timed = self._submit_batch(batch)
            due = self._newly_due({submission.reference for submission in batch})
            self._wait_for(due, began, timed=timed)
        time.sleep(_QUIET)
        for inbox in self._inboxes.values():
            inbox.look()
        return self._report()

    def _poster(self, submission: Submission) -> httpx.Client:
        return self._inboxes[submission.organisation].client

    def _submit_batch(self, batch: tuple[Submission, ...]) -> bool:
        """Submit it; says whether all of it is new to the hub."""
        body = {"atomic": False, "signals": [submission.body for submission in batch]}
        answer = _answer(self._poster(batch[0]).post("/api/v1/signals/batch", json=body))
        for stored in answer["results"]:
            self._ids[stored["external_id"]] = stored["id"]
        return all(stored["status"] == "created" for stored in answer["results"])

    def _newly_due(self, references: set[str]) -> set[Due]:
        """What the signals just submitted must lead to, given the ones before them."""
        here = self._ids.keys()
        return {
            (recipient, pair)
            for recipient, pair in self.story.expected
            if pair <= here and pair & references and recipient in self._inboxes
        }

    def _ids_of(self, references: Pair) -> Pair:
        return frozenset(self._ids[reference] for reference in references)

    def _wait_for(self, due: set[Due], began: float, *, timed: bool) -> None:
        """`timed`: the waiting counts. It does not where an earlier run has submitted the same before."""
        looks = 0
        while due and time.monotonic() - began < _PATIENCE:
            looks += 1
            for name in sorted({recipient for recipient, _ in due}):
                inbox = self._inboxes[name]
                own = {(recipient, pair) for recipient, pair in due if recipient == name}
                inbox.look(newest=None if looks % _WHOLE_INBOX_EVERY == 0 else min(_PAGE, len(own) + 5))
                came = {(recipient, pair) for recipient, pair in own if self._ids_of(pair) in inbox.pairs}
                self._latencies += [time.monotonic() - began] * len(came) * timed
                due -= came
            if due:
                time.sleep(_POLL)

    def _report(self) -> dict[str, Any]:
        references = {identity: reference for reference, identity in self._ids.items()}
        told = {
            (name, frozenset(references[identity] for identity in pair)): how
            for name, inbox in self._inboxes.items()
            for pair, how in inbox.pairs.items()
            if pair <= references.keys()
        }
        expected = self.story.expected
        return {
            "submitted": len(self._ids),
            "matched": len(expected.keys() & told.keys()),
            "expected": len(expected),
            "unexpected": len(told.keys() - expected.keys()),
            **_percentiles(self._latencies),
            "rows": list(self._rows(told)),
        }

    def _rows(self, told: dict[Due, str]) -> Iterator[dict[str, Any]]:
        """One row for each pair: what it shows, how close, who was told and who was missed."""
        by_reference = {submission.reference: submission for submission in self.story.everything()}
        for pair in dict.fromkeys(pair for _, pair in self.story.expected):
            one, other = (by_reference[reference] for reference in sorted(pair))
            readers = [name for name, due in self.story.expected if due == pair]
            yield {
                "story": one.story,
                "variant": other.variant,
                "signals": [one.reference, other.reference],
                "evidence": next((how for (_, found), how in told.items() if found == pair), ""),
                "told": sorted(name for name in readers if (name, pair) in told),
                "missed": sorted(name for name in readers if (name, pair) not in told),
            }


def _percentiles(seconds: Iterable[float]) -> dict[str, float | None]:
    values = sorted(seconds)
    if not values:
        return {"p50_ms": None, "p95_ms": None}
    p95 = values[min(len(values) - 1, int(len(values) * 0.95))]
    return {"p50_ms": round(statistics.median(values) * 1000, 1), "p95_ms": round(p95 * 1000, 1)}


def _answer(response: httpx.Response) -> Any:
    if response.is_success:
        return response.json()
    # The problem's own words, without what was sent.
    words = response.json() if "json" in response.headers.get("content-type", "") else {}
    problems = [f"{problem['path']} {problem['message']}" for problem in words.get("errors", ())]
    said = "; ".join([str(words.get("detail", "")), *problems])
    asked = f"{response.request.method} {response.request.url.path}"
    raise CannotStart(f"{asked} answered {response.status_code}: {said or 'no word'}")


def main() -> int:
    """Entry point. Exit code 1, with one line on the error stream, when the hub refuses or is silent."""
    story = plan(GROUP)
    order = sys.stdin.readline()
    if not order:
        return 1  # whoever started this is gone
    task = json.loads(order)
    keys = {name: organisation["api_key"] for name, organisation in task["keys"]["organisations"].items()}
    try:
        print(json.dumps(MainJob(task["url"], keys, story).run()))
    except (CannotStart, httpx.HTTPError) as error:
        print(f"The main job stopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
