"""hub-client whoami and matches"""

from __future__ import annotations

import os
import time
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from hub_client.answers import Match
from hub_client.client import HubClient
from hub_client.errors import BadSetting
from hub_client.watching import Watch

from .options import Config, Json, Url
from .output import ends_well, note, print_json, tell


@ends_well
def whoami_command(json: Json = False, url: Url = None, config: Config = None) -> None:
    """Say whose key this is, and what it may do."""
    with HubClient(url, config=config) as client:
        me = client.whoami()
    if json:
        print_json(me)
        return
    tell(f"{me.organisation.name} ({me.organisation.slug}), client {me.client}")
    tell(f"May: {', '.join(me.scopes) or 'nothing'}")


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
        none = True
        for match in islice(client.matches(limit=min(limit, 200), **filters), limit):
            none = False
            show(match)
    if none and not json:
        note("No matches." if not any(filters.values()) else "No matches with these filters.")


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
    tell(f"{match.created_at:%Y-%m-%d %H:%M:%S}Z  {match.id}  {match.verdict}  {about}")
    for related in match.related:
        shared = ", ".join(sorted({evidence.type for evidence in related.evidence}))
        tell(f"    like {related.signal.id} of {related.signal.organisation} by {shared}")
