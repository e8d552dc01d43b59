"""hub-client submit"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from msgspec.structs import replace

from hub_client.answers import RowResult
from hub_client.batches import BULK_ROWS, MOST_ROWS, ROWS, batches
from hub_client.client import HubClient
from hub_client.errors import BadSetting, HubClientError, Problem
from hub_client.hashing import files_in, hash_files
from hub_client.resuming import Sent, state_file
from hub_client.rows import Row, digest_of, rows_of_file, rows_of_hashes
from hub_client.signals import NewSignal

from .options import Config, Json, Processes, Url
from .output import Code, code_of, complain, counted, ends_well, note, print_json, progress, were

_LARGE = 8 * 2**20  # bytes of a source that is better sent in bulk
_SHOWN = 20  # refused rows that are told one by one
_PLACE = re.compile("^/signals/[0-9]+")


@ends_well
def submit_command(
    source: Annotated[Path, typer.Argument(help="A .csv or .ndjson file, or a folder whose files are hashed.")],
    group: Annotated[
        list[str] | None, typer.Option("--group", help="Sharing group, by short name; repeatable.")
    ] = None,
    organisation: Annotated[
        list[str] | None, typer.Option("--organisation", help="Organisation that will see it; repeatable.")
    ] = None,
    harm: Annotated[str | None, typer.Option(help="For rows that have none, for example people_smuggling.")] = None,
    severity: Annotated[str | None, typer.Option(help="For rows that have none: low, medium, high, critical.")] = None,
    kind: Annotated[str | None, typer.Option(help="For rows that have none: content or account.")] = None,
    tlp: Annotated[
        str | None, typer.Option(help="For rows that have none: CLEAR, GREEN, AMBER, AMBER+STRICT, RED.")
    ] = None,
    summary: Annotated[str | None, typer.Option(help="For rows that have none.")] = None,
    rows: Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="Signals in a request.")] = ROWS,
    bulk: Annotated[
        bool | None,
        typer.Option(help="In bulk uploads instead of batches. Left out: so for files of more than 8 MB."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row here, send nothing.")] = False,
    afresh: Annotated[bool, typer.Option("--afresh", help="Send again what was sent before.")] = False,
    state: Annotated[
        Path | None, typer.Option(help="Where to keep what was sent. Otherwise: ~/.local/state/hub-client.")
    ] = None,
    processes: Processes = None,
    json: Json = False,
    url: Url = None,
    config: Config = None,
) -> None:
    """Submit the signals of a file, or the hashes of a folder.

    Stopped by Ctrl-C or a crash, the same command goes on where it ended; what the hub has stored is not sent again.
    Of identifiers only tokens leave, of media only hashes. Refused rows are named, and the exit code is then 1.
    """
    defaults = {
        "sharing_groups": group, "named_organisations": organisation, "harm": harm, "severity": severity,
        "kind": kind, "tlp": tlp, "summary": summary,
    }  # fmt: skip
    found = _rows(source, defaults, processes)
    if dry_run:
        _end(_checked(found, json=json), "would be sent")
        return
    with HubClient(url, config=config) as client, Sent(state or state_file(client.settings.url, source)) as sent:
        if afresh:
            sent.forget()
        many = bulk if bulk is not None else source.is_file() and source.stat().st_size > _LARGE
        upload = Upload(client, sent, BULK_ROWS if many else rows, many, afresh=afresh, json=json)
        try:
            upload.run(found)
        except (KeyboardInterrupt, HubClientError) as error:
            told = "" if isinstance(error, KeyboardInterrupt) else f"{error}\n"
            again = "When that is mended, run" if told else "Run"
            complain(f"{told}Stopped: {upload.tally.text('were sent')} {again} the same command again to go on.")
            raise typer.Exit(Code.STOPPED if not told else code_of(error)) from None
        _end(upload.tally, "were sent")


def _rows(source: Path, defaults: dict[str, Any], processes: int | None) -> Iterator[Row]:
    if source.is_dir():
        return rows_of_hashes(hash_files(files_in([source]), processes=processes), defaults)
    if not source.is_file():
        raise BadSetting(f"There is no {source}.", "Check its name.")
    return rows_of_file(source, defaults)


@dataclass
class Tally:
    """How many rows came to which end, and what was wrong with which of them first."""

    counts: Counter[str] = field(default_factory=Counter)
    _first: dict[str, str] = field(default_factory=dict)

    def text(self, sent: str) -> str:
        number = self.counts["created"] + self.counts["updated"]
        parts = [f"{counted(number, 'row')} {sent.replace('were', were(number))}"]
        if self.counts["updated"]:
            parts.append(f"{self.counts['updated']} of them replaced a signal that was there")
        if self.counts["before"]:
            parts.append(f"{self.counts['before']} had been sent before")
        if self.counts["refused"]:
            parts.append(f"{self.counts['refused']} {were(self.counts['refused'])} refused")
        return f"{', '.join(parts)}."

    def refuse(self, place: str, problems: Iterable[object], *, json: bool) -> None:
        self.counts["refused"] += 1
        if json:
            return
        if self.counts["refused"] <= _SHOWN:
            wrong = "".join(f"\n  {problem}" for problem in problems)
            first = self._first.setdefault(wrong, place)
            complain(f"{place}:{wrong}" if first == place else f"{place}: the same as {first}.")
        elif self.counts["refused"] == _SHOWN + 1:
            complain("Further refused rows are counted only; --json names all of them.")


@dataclass
class Upload:
    """Sends rows in batches, and keeps which of them the hub has stored."""

    client: HubClient
    sent: Sent
    rows: int
    bulk: bool
    afresh: bool
    json: bool
    tally: Tally = field(default_factory=Tally)

    def run(self, found: Iterable[Row]) -> None:
        waiting: dict[str, str] = {}  # digest -> place, in the order in which they are sent
        with progress() as bar:
            task = bar.add_task("Submitting", total=None)
            for batch in batches(self._to_send(found, waiting), self.rows, bulk=self.bulk):
                results = self._sent(batch)
                digests = list(islice(waiting, len(batch)))
                # Only now: what a crash leaves out here is sent again under the same reference, which changes nothing.
                self.sent.add((digests[row.row], row.id or "") for row in results if row.stored)
                for row in results:
                    self._tell(waiting.pop(digests[row.row]), row)
                bar.update(task, completed=self.tally.counts.total())

    def _sent(self, batch: list[NewSignal]) -> Sequence[RowResult]:
        if not self.bulk:
            return self.client.submit_batch(batch).results
        # Under the key that follows from the rows the hub answers with what it did before: so a crash doubles nothing.
        return list(self.client.bulk(batch, key=str(uuid4()) if self.afresh else None))

    def _to_send(self, found: Iterable[Row], waiting: dict[str, str]) -> Iterator[NewSignal]:
        """The signals that the hub does not have yet; their digests and places go into `waiting`."""
        for row in found:
            if row.signal is None:
                self._tell_refused(row)
                continue
            digest = digest_of(row.signal)
            if digest in waiting or digest in self.sent:
                self.tally.counts["before"] += 1
                continue
            waiting[digest] = row.place
            yield row.signal

    def _tell(self, place: str, row: RowResult) -> None:
        problems = [_in_the_row(problem) for problem in row.errors]
        if row.stored:
            self.tally.counts[row.status] += 1
        else:
            self.tally.refuse(place, problems, json=self.json)
        if self.json:
            print_json({"place": place, "status": row.status, "id": row.id, "errors": problems})

    def _tell_refused(self, row: Row) -> None:
        self.tally.refuse(row.place, row.problems, json=self.json)
        if self.json:
            print_json({"place": row.place, "status": "refused", "id": None, "errors": row.problems})


def _in_the_row(problem: Problem) -> Problem:
    """Without /signals/17 before it: that is the place in a batch, of which nobody knows."""
    mend = "`hub-client doctor` names yours." if problem.code == "unknown_group" else problem.mend
    return replace(problem, path=_PLACE.sub("", problem.path), mend=mend)


def _checked(found: Iterable[Row], *, json: bool) -> Tally:
    tally = Tally()
    for row in found:
        if row.signal is None:
            tally.refuse(row.place, row.problems, json=json)
        else:
            tally.counts["created"] += 1
        if json:
            status = "refused" if row.signal is None else "ready"
            print_json({"place": row.place, "status": status, "errors": row.problems})
    return tally


def _end(tally: Tally, sent: str) -> None:
    note(tally.text(sent))
    if tally.counts["refused"]:
        raise typer.Exit(Code.IN_PART)
