"""What the demo prints (roof): where the portal is, who may sign in, what matched, what to try."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from hub.launcher.report import SUBMITTED

_WIDTH = 92
_ROWS = 14
_BOLD, _FAINT, _GREEN, _RED = "1", "2", "32", "31"


def teller(stream: TextIO) -> Callable[[str], None]:
    """A function that prints a line with the seconds since now before it."""
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"  {time.monotonic() - began:5.1f} s  {line}", file=stream, flush=True)

    return tell


def _styled(text: str, style: str) -> str:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{style}m{text}\033[0m"


def _heading(text: str) -> str:
    return f"\n{_styled(text, _BOLD)}\n{_styled('-' * _WIDTH, _FAINT)}"


def welcome(keys: dict[str, Any], *, url: str) -> str:
    """Where the portal is and who may sign in, as soon as it answers."""
    return "\n".join((_heading(f"The hub is running at {url}/"), *_sign_ins(keys), ""))


def summary(report: dict[str, Any], keys: dict[str, Any], *, url: str) -> str:
    """What matched and what to try, for a terminal of 100 columns."""
    return "\n".join(
        (
            _heading("What matched"),
            *_matches(report),
            _heading("Try it"),
            *_commands(keys, url, report["try"]),
            "",
            f"The portal is at {_styled(f'{url}/', _BOLD)} (sign-ins above).",
            "Ctrl-C stops everything. `make demo` starts it again, `make clean-demo` deletes the data.",
            "",
        )
    )


def _sign_ins(keys: dict[str, Any]) -> Iterator[str]:
    yield "Sign in as"
    width = max((len(user["email"]) for user in keys["users"]), default=0)
    for user in keys["users"]:
        who = f"{user['role']} of {user['organisation']}"
        yield f"  {user['email']:<{width}}  {user['password']:<24}  {_styled(who, _FAINT)}"


def _matches(report: dict[str, Any]) -> Iterator[str]:
    rows = report["rows"]
    for row in rows[:_ROWS]:
        told = ", ".join(row["told"]) or "nobody"
        missed = _styled(f"  missed by {', '.join(row['missed'])}", _RED) if row["missed"] else ""
        yield f"  {row['story']:<13} {row['variant']:<20} {row['evidence']:<25} told to {told}{missed}"
    if len(rows) > _ROWS:
        yield _styled(f"  and {len(rows) - _ROWS} more pairs, submitted in batches", _FAINT)
    yield ""
    yield _verdict(report)
    for obstacle in report["obstacles"]:
        yield _styled(obstacle, _RED)
    if report["p50_ms"] is not None:
        p50, p95 = f"{report['p50_ms']:.0f} ms", f"{report['p95_ms']:.0f} ms"
        yield f"From submission to a match that can be read: {p50} (median), 95 % within {p95}."


def _verdict(report: dict[str, Any]) -> str:
    """Whether all went as the story expects. What people have done since the first start is no failure."""
    matched, expected, more = (report[name] for name in ("matched", "expected", "unexpected"))
    whole = matched == expected
    words = f"{report['submitted']} signals {report['how']}; {matched} of {expected} expected matches told"
    if report["how"] == SUBMITTED:
        return _styled(f"{words}, {more} unexpected.", _GREEN if whole and not more else _RED)
    also = f", {more} more, because groups or signals were changed since" if more else ""
    # What an obstacle explains is told in the lines that follow.
    return _styled(f"{words}{also}.", _GREEN if whole or report["obstacles"] else _RED)


def _commands(keys: dict[str, Any], url: str, indicator: dict[str, str]) -> Iterator[str]:
    """A picture that alpha has submitted, seen by beta in another form: pasting the command makes a match."""
    alpha, beta = (keys["organisations"][name]["api_key"] for name in ("alpha", "beta"))
    body = {
        "external_id": "my-first-signal",
        "kind": "content",
        "harm": "human_trafficking",
        "severity": "high",
        "confidence": 80,
        "tlp": "AMBER",
        "summary": "My first signal",
        "sharing_groups": [keys["group"]],
        "indicators": [indicator],
    }
    yield "Submit a signal as beta, of a picture that alpha has reported:"
    yield ""
    yield f"  curl -sS {url}/api/v1/signals -H 'Authorization: Bearer {beta}' \\"
    yield f"    -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"
    yield ""
    yield "See what matched, as alpha (or in the portal, under Matches):"
    yield ""
    yield f"  sleep 1; curl -sS '{url}/api/v1/matches?limit=1' \\"
    yield f"    -H 'Authorization: Bearer {alpha}' | python3 -m json.tool"
