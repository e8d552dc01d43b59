"""What the demo's story has led to, as the launcher prints it and `make smoke` judges it (roof)."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hub.launcher.inbox import Due, Inbox
from hub.launcher.scenario import Plan

# How the signals of a report came to be in the hub.
SUBMITTED, SUBMITTED_AGAIN, OF_AN_EARLIER_START = "submitted", "submitted again", "of an earlier start"


def make_report(story: Plan, ids: Mapping[str, str], inboxes: Iterable[Inbox]) -> dict[str, Any]:
    """How much of what the story expects was told. `ids`: the reference of each signal in the hub -> its id."""
    references = {identity: reference for reference, identity in ids.items()}
    readers = {inbox.name: inbox for inbox in inboxes}
    told = {
        (name, frozenset(references[identity] for identity in pair)): how
        for name, inbox in readers.items()
        for pair, how in inbox.pairs.items()
        if pair <= references.keys()
    }
    return {
        "submitted": len(ids),
        "matched": len(story.expected.keys() & told.keys()),
        "expected": len(story.expected),
        "unexpected": len(told.keys() - story.expected.keys()),
        "rows": list(_rows(story, told, ids=ids, readers=readers)),
    }


def _rows(
    story: Plan, told: Mapping[Due, str], *, ids: Mapping[str, str], readers: Mapping[str, Inbox]
) -> Iterator[dict[str, Any]]:
    """One row for each pair in the hub: what it shows, how close, who was told and who was missed."""
    by_reference = {submission.reference: submission for submission in story.everything()}
    for pair in dict.fromkeys(pair for _, pair in story.expected):
        if not pair <= ids.keys():
            continue
        one, other = (by_reference[reference] for reference in sorted(pair))
        due = [name for name, expected in story.expected if expected == pair and name in readers]
        yield {
            "story": one.story,
            "variant": other.variant,
            "signals": [one.reference, other.reference],
            "evidence": next((how for (_, found), how in told.items() if found == pair), ""),
            "told": sorted(name for name in due if (name, pair) in told),
            "missed": sorted(name for name in due if (name, pair) not in told),
        }


def percentiles(seconds: Iterable[float]) -> dict[str, float | None]:
    """Median and 95th percentile in milliseconds; None of nothing."""
    values = sorted(seconds)
    if not values:
        return {"p50_ms": None, "p95_ms": None}
    p95 = values[min(len(values) - 1, int(len(values) * 0.95))]
    return {"p50_ms": round(statistics.median(values) * 1000, 1), "p95_ms": round(p95 * 1000, 1)}
