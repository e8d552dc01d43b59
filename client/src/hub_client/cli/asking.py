"""hub-client whoami, lookup and matches"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from hub_client.answers import LookupAnswer, Match
from hub_client.client import HubClient
from hub_client.errors import BadSetting, UnreadableFile
from hub_client.hashing import files_in, hash_files
from hub_client.signal_types import NAMES, InvalidValue, get
from hub_client.signals import Indicator
from hub_client.steps import RANGES
from hub_client.watching import Watch

from .options import Config, Json, Processes, Url
from .output import Code, complain, ends_well, out, print_json


@ends_well
def whoami_command(json: Json = False, url: Url = None, config: Config = None) -> None:
    """Say whose key this is, and what it may do."""
    with HubClient(url, config=config) as client:
        me = client.whoami()
    if json:
        print_json(me)
        return
    out.print(f"{me.organisation.name} ({me.organisation.slug}), client {me.client}", markup=False)
    out.print(f"May: {', '.join(me.scopes) or 'nothing'}", markup=False)


@ends_well
def lookup_command(
    what: Annotated[list[str], typer.Argument(help="Files and folders; with --type values, or - for lines of input.")],
    type: Annotated[str | None, typer.Option("--type", help="What the values are, for example md5 or email.")] = None,
    platform: Annotated[str, typer.Option(help="Of user names.")] = "",
    by_range: Annotated[
        bool, typer.Option("--range", help="Send only the first five digits of a hash, and compare the rest here.")
    ] = False,
    processes: Processes = None,
    json: Json = False,
    url: Url = None,
    config: Config = None,
) -> None:
    """Ask whether the hub knows files, hashes or identifiers. Nothing is stored there.

    Give identifiers as lines of input (-): others on this machine can read arguments. Only tokens of them are sent.
    """
    items, bad = _asked(what, type, platform, processes)
    with HubClient(url, config=config) as client:
        answers = _by_range(client, items) if by_range else client.look_up([item for _name, item in items])
    for (name, item), answer in zip(items, answers, strict=True):
        if json:
            print_json({"asked": name, "type": item.type, **msgspec.to_builtins(answer)})
        else:
            _show(name, item, answer)
    if bad or any(answer.status == "refused" for answer in answers):
        raise typer.Exit(Code.IN_PART)


def _asked(
    what: Sequence[str], kind: str | None, platform: str, processes: int | None
) -> tuple[list[tuple[str, Indicator]], int]:
    """What to ask with a name for each, and how many files could not be read. No name holds a value."""
    if kind is None:
        items, bad = [], 0
        for outcome in hash_files(files_in(what), processes=processes):
            if isinstance(outcome, UnreadableFile):
                complain(outcome)
                bad += 1
            else:
                items += [(outcome.file, indicator) for indicator in outcome.indicators()]
        return items, bad
    if kind not in NAMES:
        raise BadSetting(f"There is no type {kind}.", f"There are {', '.join(NAMES)}.")
    items, bad = [], 0
    for number, value in enumerate(_values(what), start=1):
        item = Indicator(kind, value, platform=platform if get(kind).needs_platform else "")
        try:
            item.prepared()
        except InvalidValue as error:
            complain(f"value {number}: {error}")
            bad += 1
        else:
            items.append((f"value {number}", item))
    return items, bad


def _values(what: Iterable[str]) -> Iterator[str]:
    for value in what:
        if value == "-":
            yield from (line.rstrip("\r\n") for line in sys.stdin if line.strip())
        else:
            yield value


def _by_range(client: HubClient, items: Sequence[tuple[str, Indicator]]) -> list[LookupAnswer]:
    if any(item.type not in RANGES for _name, item in items):
        raise BadSetting(f"Only {', '.join(RANGES)} can be looked up by range.", "Name one with --type.")
    found = [client.look_up_range(item) for _name, item in items]
    return [
        LookupAnswer(place, "found" if hit else "none", more=bool(hit and hit.more)) for place, hit in enumerate(found)
    ]


def _show(name: str, item: Indicator, answer: LookupAnswer) -> None:
    out.print(f"{name}, {item.type}: {answer.status}", markup=False)
    for problem in answer.errors:
        complain(f"  {problem.message} {problem.mend}")
    for signal in answer.signals:
        close = "the same" if signal.distance == 0 else f"{signal.distance} bits differ"
        about = f"{signal.organisation}, {signal.harm}, {signal.severity}, TLP:{signal.tlp}"
        out.print(f"  {signal.id}  {about}, {close}", markup=False)
    if answer.more:
        out.print("  and others", markup=False)


@ends_well
def matches_command(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for new ones, until Ctrl-C.")] = False,
    since: Annotated[
        datetime | None, typer.Option(help="Follow from this moment on; without a zone it is local.")
    ] = None,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 5.0,
    state: Annotated[Path | None, typer.Option(help="Keep here what was told, to go on later where this ends.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to list when not following.")] = 50,
    verdict: Annotated[str | None, typer.Option(help="Only those with this verdict, for example unreviewed.")] = None,
    harm: Annotated[str | None, typer.Option(help="Only those about this harm.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only those of this severity.")] = None,
    json: Json = False,
    url: Url = None,
    config: Config = None,
) -> None:
    """List your matches, newest first, or follow them as they come. A match is a clue, not proof."""
    filters = {"verdict": verdict, "harm": harm, "severity": severity}
    show = print_json if json else _show_match
    with HubClient(url, config=config) as client:
        if follow or since or state:
            _follow(client, filters, _watch(state, since), state, every if follow else None, show)
            return
        for match in islice(client.matches(limit=min(limit, 200), **filters), limit):
            show(match)


def _follow(
    client: HubClient, filters: dict[str, str | None], watch: Watch, state: Path | None, every: float | None, show: Any
) -> None:
    while True:
        for match in client.new_matches(watch, **filters):
            show(match)
        if state is not None:  # after they were told: stopped in between, they are told again
            _keep(state, watch)
        if every is None:
            return
        time.sleep(every)


def _watch(state: Path | None, since: datetime | None) -> Watch:
    if state is not None and state.exists():
        try:
            return Watch.from_state(msgspec.json.decode(state.read_bytes()))
        except (ValueError, OSError):
            raise BadSetting(f"{state} is no state of followed matches.", "Delete it, or name another.") from None
    return Watch(since.astimezone() if since else None)


def _keep(state: Path, watch: Watch) -> None:
    beside = state.with_name(f"{state.name}.new")
    try:
        beside.write_bytes(msgspec.json.encode(watch.state()))
        os.replace(beside, state)
    except OSError as error:
        raise BadSetting(f"{state} can't be written: {error.strerror}.", "Check folder, disk and rights.") from None


def _show_match(match: Match) -> None:
    about = f"{match.signal.harm}, {match.signal.severity}, {match.signal.organisation}, strength {match.strength:.2f}"
    out.print(f"{match.created_at:%Y-%m-%d %H:%M:%S}Z  {match.id}  {match.verdict}  {about}", markup=False)
    for related in match.related:
        shared = ", ".join(sorted({evidence.type for evidence in related.evidence}))
        out.print(f"    like {related.signal.id} of {related.signal.organisation} by {shared}", markup=False)
