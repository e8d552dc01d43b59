"""hub-client sync"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any, NoReturn

import typer

from hub_client.client import HubClient
from hub_client.copies import Synced, copy_file
from hub_client.copies.syncing import MOST_ENTRIES
from hub_client.errors import HubClientError

from .options import Config, Database, Json, Url
from .output import Code, code_of, complain, counted, ends_well, note, print_json, progress

_LONGEST_WAIT = 300.0  # seconds


@ends_well
def sync_command(
    db: Database = None,
    types: Annotated[str, typer.Option(help="Only signals with one of these types, with commas between.")] = "",
    group: Annotated[str, typer.Option(help="Only signals of this sharing group, by short name.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep it up to date, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks when following.")] = 10.0,
    entries: Annotated[int, typer.Option(min=1, max=MOST_ENTRIES, help="Of a request, at most.")] = MOST_ENTRIES,
    json: Json = False,
    url: Url = None,
    config: Config = None,
) -> None:
    """Keep a copy of all that you may see in an SQLite file, for `lookup --offline` and for programs of your own.

    Stopped or killed at any moment, the same command goes on where it ended. Signals that were taken back, have expired
    or are not shared with you any more leave the copy. Signals about victims and TLP:RED are never in it.
    """
    with HubClient(url, config=config) as client:
        narrowed = tuple(name.strip() for name in types.split(",") if name.strip())
        path = db or copy_file(client.settings.url, narrowed, group)
        show = print_json if json else _show
        if follow:
            note(f"Keeping the copy {path}.")
            options: dict[str, Any] = {"types": narrowed, "group": group, "entries": entries, "every": every}
            _follow(lambda: client.keep_synced(path, **options), every, show)
        with progress() as bar:
            task = bar.add_task("Copying", total=None)
            done = client.sync(
                path, types=narrowed, group=group, entries=entries,
                told=lambda now: bar.update(task, completed=now.signals),
            )  # fmt: skip
        show(done)
        if not json:
            note(f"The copy is {path}.")


def _follow(keep: Callable[[], Iterator[Synced]], every: float, show: Callable[[Synced], object]) -> NoReturn:
    """Tells what changes. A hub that can't be reached is waited for, once it was reached at all."""
    failures, first = 0, True
    while True:
        try:
            for done in keep():
                if first or done.changed or done.removed or done.began_anew:
                    show(done)
                failures, first = 0, False
        except HubClientError as error:
            if first or code_of(error) is not Code.NO_ANSWER:
                raise
            failures += 1
            complain(f"{error} Trying again.")
            time.sleep(min(every * 2**failures, _LONGEST_WAIT))


def _show(done: Synced) -> None:
    if done.began_anew:
        note("The hub knew nothing any more of where the copy stood: everything was read anew.")
    note(f"{counted(done.signals, 'signal')} in the copy; {done.changed} came or changed, {done.removed} went.")
