"""hub-client lookup"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hub_client.answers import Found, LookupAnswer, Signal
from hub_client.client import HubClient
from hub_client.copies import CopyAnswer, LocalCopy, copy_file
from hub_client.errors import BadSetting, Problem, UnreadableFile
from hub_client.hashing import files_in, hash_files
from hub_client.settings import Settings
from hub_client.signal_types import NAMES, InvalidValue, get
from hub_client.signals import Indicator
from hub_client.steps import RANGES

from .options import Config, Database, Json, Processes, Url
from .output import Code, complain, counted, ends_well, note, print_json, tell


@ends_well
def lookup_command(
    what: Annotated[list[str], typer.Argument(help="Files and folders; with --type values, or - for lines of input.")],
    type: Annotated[str | None, typer.Option("--type", help="What the values are, for example md5 or email.")] = None,
    platform: Annotated[str, typer.Option(help="Of user names.")] = "",
    by_range: Annotated[
        bool, typer.Option("--range", help="Send only the first five digits of a hash, and compare the rest here.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask the copy that `sync` keeps, not the hub.")] = False,
    db: Database = None,
    blind: Annotated[
        bool,
        typer.Option("--blind", help="With --offline: have the hub blindly make tokens of identifiers."),
    ] = False,
    processes: Processes = None,
    json: Json = False,
    url: Url = None,
    config: Config = None,
) -> None:
    """Ask whether the hub knows files, hashes or identifiers. Nothing is stored there.

    Give identifiers as lines of input (-): others on this machine can read arguments. Only tokens of them are sent.
    Offline, videos are found by identity only, and verdicts are not told.
    """
    if by_range and offline:
        raise BadSetting("--range and --offline do not go together: offline nothing is sent.", "Leave one out.")
    items, bad = _asked(what, type, platform, processes)
    if not items and not bad:
        note("Nothing was asked.")
    if offline:
        forms = [[item] for _name, item in items]
        if blind and items:
            with HubClient(url, config=config) as client:
                forms = client.tokens([item for _name, item in items])
        path = db or copy_file(Settings.found(url, config=config).url)
        if _ask_copy(items, forms, path, json) or bad:
            raise typer.Exit(Code.IN_PART)
        return
    with HubClient(url, config=config) as client:
        answers = _by_range(client, items) if by_range else client.look_up([item for _name, item in items])
    for (name, item), answer in zip(items, answers, strict=True):
        if json:
            print_json({"asked": name, "type": item.type, **msgspec.to_builtins(answer)})
        else:
            _show(name, item, answer.status, answer.errors)
            for signal in answer.signals:
                _show_signal(signal, signal.distance)
            _show_others(answer.more)
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
    if get(kind).needs_platform and not platform:
        raise BadSetting("A user name means nothing without its platform.", "Name it with --platform.")
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
    try:
        for value in _lines(what):
            value.encode()  # depending on the locale, Python reads what is no UTF-8 and refuses it here
            yield value
    except UnicodeError:
        raise BadSetting("The values are not UTF-8.", "Write them in UTF-8.") from None


def _lines(what: Iterable[str]) -> Iterator[str]:
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


def _ask_copy(
    items: Sequence[tuple[str, Indicator]], forms: Sequence[Sequence[Indicator]], path: Path, json: bool
) -> bool:
    """Whether any item was refused. `forms` are the items as they may be asked: of an identifier its tokens."""
    with LocalCopy(path) as copy:
        found = iter(copy.look_up([one for form in forms for one in form]))
        answers = [_joined(place, list(islice(found, len(form)))) for place, form in enumerate(forms)]
        state = copy.state()
    if not json and state.ended_at is not None:
        only = f" It holds {state.owner.narrowed} only." if state.owner.types or state.owner.group else ""
        note(f"From the copy of {state.ended_at.astimezone():%Y-%m-%d %H:%M:%S %Z}.{only}")
    for (name, item), answer in zip(items, answers, strict=True):
        if json:
            print_json({"asked": name, "type": item.type, **msgspec.to_builtins(answer)})
            continue
        _show(name, item, answer.status, answer.errors)
        for kept in answer.signals:
            _show_signal(kept.signal, kept.distance)
        _show_others(answer.more)
    return any(answer.status == "refused" for answer in answers)


def _joined(place: int, answers: Sequence[CopyAnswer]) -> CopyAnswer:
    """One answer of what was asked under two keys."""
    signals = {kept.signal.id: kept for answer in answers for kept in answer.signals}
    return CopyAnswer(
        place,
        "found" if signals else answers[0].status,
        tuple(sorted(signals.values(), key=lambda kept: kept.distance)),
        any(answer.more for answer in answers),
        answers[0].errors,
    )


def _show(name: str, item: Indicator, status: str, errors: Sequence[Problem]) -> None:
    tell(f"{name}, {item.type}: {status}")
    for problem in errors:
        complain(f"  {problem.message} {problem.mend}")


def _show_signal(signal: Found | Signal, distance: int) -> None:
    close = "the same" if distance == 0 else f"{counted(distance, 'bit')} {'differs' if distance == 1 else 'differ'}"
    about = f"{signal.organisation}, {signal.harm}, {signal.severity}, TLP:{signal.tlp}"
    tell(f"  {signal.id}  {about}, {close}")


def _show_others(more: bool) -> None:
    if more:
        tell("  and others")
