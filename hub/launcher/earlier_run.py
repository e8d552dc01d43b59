"""Reads over public HTTP what an earlier start of the demo has led to (roof), where nothing of it has changed.

A program of its own beside the main job, which needs a second for its imports alone. It reads one line of JSON from its
input ({"url", "keys", "there"}: `there` as `what_is_there` gave it then) and prints the report, or null where the hub
holds something else now.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import httpx

from hub.launcher.errors import CannotStart
from hub.launcher.inbox import Inbox, answer
from hub.launcher.report import OF_AN_EARLIER_START, make_report, percentiles
from hub.launcher.scenario import GROUP, READERS, Plan, plan

_PAGE = 200  # the API's most
_PAGES = 50  # of one organisation's own signals, newest first: 2 seconds, where the main job takes 20


def what_is_there(inboxes: Iterable[Inbox], references: frozenset[str]) -> dict[str, Any]:
    """For each organisation: whether it may share with the demo's group, and the state of its signals of the story.

    Any write to a signal changes its time of change, so an equal answer means the same signals.
    """
    return {inbox.name: {"shares": _shares(inbox), "signals": dict(_signals(inbox, references))} for inbox in inboxes}


def _shares(inbox: Inbox) -> bool | None:
    """None: the organisation does not see the group."""
    groups = answer(inbox.client.get("/api/v1/sharing-groups"))
    return next((bool(group["may_contribute"]) for group in groups if group["slug"] == GROUP), None)


def _signals(inbox: Inbox, references: frozenset[str]) -> Iterable[tuple[str, list[str]]]:
    url = f"/api/v1/signals?limit={_PAGE}&organisation={inbox.name}"
    for _ in range(_PAGES):
        page = answer(inbox.client.get(url))
        for signal in page["results"]:
            if signal["external_id"] in references:
                yield signal["external_id"], [signal["id"], signal["state"], signal["updated_at"]]
        url = page["next"]
        if not url:
            return


def report_of(story: Plan, inboxes: list[Inbox], there: dict[str, Any]) -> dict[str, Any] | None:
    """The report, or None unless all is there as it was and all that is expected can be read."""
    references = frozenset(submission.reference for submission in story.everything())
    if what_is_there(inboxes, references) != there:
        return None
    for inbox in inboxes:
        inbox.look()
    ids = {reference: row[0] for found in there.values() for reference, row in found["signals"].items()}
    report = make_report(story, ids, inboxes)
    if report["matched"] != report["expected"]:
        return None
    return {**report, **percentiles(()), "how": OF_AN_EARLIER_START, "obstacles": []}


def main() -> int:
    """Entry point. What can't be read is not as it was: the main job will say what is in the way."""
    order = sys.stdin.readline()
    if not order:
        return 1  # whoever started this is gone
    task = json.loads(order)
    keys = task["keys"]["organisations"]
    inboxes = [Inbox.of(name, url=task["url"], key=keys[name]["api_key"]) for name in READERS if name in keys]
    try:
        report = report_of(plan(), inboxes, task["there"])
    except (CannotStart, httpx.HTTPError) as error:
        print(f"An earlier start's data can't be read: {error}", file=sys.stderr)
        report = None
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
