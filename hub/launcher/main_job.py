"""Runs the demo's main job over public HTTP (roof): submit, wait until the matches can be read, compare.

A program of its own, so that drawing does not hold up the launcher. It reads one line of JSON from its input
({"url", "keys"}, the keys as manage.py demo_data prints them) and prints one line.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from hub.launcher.blinding import blinded
from hub.launcher.earlier_run import what_is_there
from hub.launcher.errors import CannotStart
from hub.launcher.inbox import Due, Inbox, Pair, answer, problems_in, said_of
from hub.launcher.pictures import indicators
from hub.launcher.report import SUBMITTED, SUBMITTED_AGAIN, make_report, percentiles
from hub.launcher.scenario import READERS, Plan, Submission, plan

_POLL = 0.02  # seconds between two looks at an inbox
_PATIENCE = 20.0  # seconds for a match to come
_QUIET = 0.5  # seconds in which nothing unexpected may come
_WHOLE_INBOX_EVERY = 10  # looks; in between the newest rows are enough
_MOST_ROWS = 50
# What a member or an administrator can bring about: the rest of the story can be told all the same.
_REFUSED = (httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND, httpx.codes.CONFLICT)


@dataclass
class MainJob:
    """One run against a hub at `url`, with an API key for each organisation."""

    url: str
    keys: dict[str, str]
    story: Plan

    def __post_init__(self) -> None:
        self._ids: dict[str, str] = {}  # reference -> id, of what has been submitted
        self._latencies: list[float] = []
        self._inboxes = {name: Inbox.of(name, url=self.url, key=self.keys[name]) for name in READERS}
        self._refused: Counter[tuple[str, str, str]] = Counter()  # organisation, what was said, mend -> signals
        self._earlier = False  # whether some of it was there before
        self._bodies = {row.reference: row.drawn(indicators) for row in self.story.everything()}

    def run(self) -> dict[str, Any]:
        """Submit everything, wait for what is expected and a moment for what is not."""
        shut_out = list(self._leave_out_the_shut_out())
        for inbox in self._inboxes.values():
            inbox.look()  # what an earlier run has led to is not at the top of the inbox any more
        for submission in self.story.single:
            began = time.monotonic()
            timed = self._submit(submission)
            self._wait_for(self._newly_due({submission.reference}), began, timed=timed)
        for batch in self.story.batches:
            began = time.monotonic()
            timed = self._submit_batch(batch)
            due = self._newly_due({submission.reference for submission in batch})
            self._wait_for(due, began, timed=timed)
        time.sleep(_QUIET)
        for inbox in self._inboxes.values():
            inbox.look()
        obstacles = [*shut_out, *self._refusals()]
        return {
            **make_report(self.story, self._ids, self._inboxes.values()),
            **percentiles(self._latencies),
            "how": SUBMITTED_AGAIN if self._earlier or obstacles else SUBMITTED,
            "obstacles": obstacles,
            "there": what_is_there(self._inboxes.values(), frozenset(self._bodies)),
        }

    def _leave_out_the_shut_out(self) -> Iterator[str]:
        """Go on without the organisations whose keys are refused; gives a line for each."""
        for name, inbox in list(self._inboxes.items()):
            if inbox.client.get("/api/v1/whoami").status_code == httpx.codes.UNAUTHORIZED:
                del self._inboxes[name]
                yield (
                    f"{name} takes no part, because the hub refuses its key: reactivate the organisation in the "
                    "administration if it is suspended, or look at the networks of its API client."
                )

    def _submit(self, submission: Submission) -> bool:
        """Submit it; says whether it is new to the hub."""
        if submission.organisation not in self._inboxes:
            return False
        client = self._inboxes[submission.organisation].client
        body = self._bodies[submission.reference]
        if submission.is_blinded:
            body = {**body, "indicators": blinded(client, body["indicators"])}
        response = client.post("/api/v1/signals", json=body)
        if response.status_code in _REFUSED:
            self._note_refusal(submission.organisation, problems_in(response), response)
            return False
        self._ids[submission.reference] = answer(response)["id"]
        created = response.status_code == httpx.codes.CREATED
        self._earlier |= not created
        return created

    def _submit_batch(self, batch: tuple[Submission, ...]) -> bool:
        """Submit it; says whether all of it is new to the hub."""
        name = batch[0].organisation
        if name not in self._inboxes:
            return False
        body = {"atomic": False, "signals": [self._bodies[submission.reference] for submission in batch]}
        response = self._inboxes[name].client.post("/api/v1/signals/batch", json=body)
        if response.status_code in _REFUSED:
            self._note_refusal(name, problems_in(response), response, signals=len(batch))
            return False
        rows = answer(response)["results"]
        for row in rows:
            if row["status"] == "refused":
                self._note_refusal(name, row["errors"], response)
            else:
                self._ids[row["external_id"]] = row["id"]
                self._earlier |= row["status"] != "created"
        return all(row["status"] == "created" for row in rows)

    def _note_refusal(
        self, name: str, problems: list[dict[str, str]], response: httpx.Response, *, signals: int = 1
    ) -> None:
        # A row of a batch has its place in its path: the same refusal is told once.
        said = said_of([{**problem, "path": problem["path"].rpartition("/")[2]} for problem in problems])
        if any(problem["code"] == "retracted" for problem in problems):
            mend = "`make clean-demo` deletes everything, and `make demo` then begins anew"
        else:
            mend = "undo in the administration what was changed there, or begin anew with `make clean-demo`"
        self._refused[name, said or f"answer {response.status_code}", mend] += signals

    def _refusals(self) -> Iterator[str]:
        for (name, said, mend), count in self._refused.items():
            what = "1 signal" if count == 1 else f"{count} signals"
            yield f"{what} of {name} can't be submitted again ({said.rstrip('.')}): {mend}."

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
                inbox.look(newest=None if looks % _WHOLE_INBOX_EVERY == 0 else min(_MOST_ROWS, len(own) + 5))
                came = {(recipient, pair) for recipient, pair in own if self._ids_of(pair) in inbox.pairs}
                self._latencies += [time.monotonic() - began] * len(came) * timed
                due -= came
            if due:
                time.sleep(_POLL)


def main() -> int:
    """Entry point. Exit code 1, with one line on the error stream, when the hub fails or is silent."""
    order = sys.stdin.readline()
    if not order:
        return 1  # whoever started this is gone
    task = json.loads(order)
    keys = {name: organisation["api_key"] for name, organisation in task["keys"]["organisations"].items()}
    try:
        report = MainJob(task["url"], keys, plan()).run()
    except (CannotStart, httpx.HTTPError) as error:
        print(f"The main job stopped: {error}", file=sys.stderr)
        return 1
    # For who wants to try it by hand: one more form of a picture that alpha has submitted.
    print(json.dumps({**report, "try": indicators(1, "brighter")[0]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
