"""Bringing a copy up to date, as steps that both clients make."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Final

import msgspec

from hub_client import calls
from hub_client.answers import FeedPage, KindOfSignal, WhoAmI
from hub_client.calls import Call
from hub_client.errors import Gone, Invalid, Refused, UnexpectedAnswer

from .file import Owner, hub_name
from .writing import CopyWriter

MOST_ENTRIES: Final = 5_000
# A hub whose cursors never count would be read without end.
_MOST_BEGINNINGS: Final = 3


class Synced(msgspec.Struct, frozen=True):
    """What a sync did: signals now in the copy, how many came or changed, how many went, and whether all was read anew
    because the hub refused where the copy stood."""

    signals: int
    changed: int
    removed: int
    began_anew: bool


Told = Callable[[Synced], None]


def sync(
    writer: CopyWriter, *, url: str, types: Sequence[str], group: str, entries: int, told: Told | None
) -> Generator[Call[Any], Any, Synced]:
    """Read the feed to its end. Stopped anywhere, the next one goes on after the last page that was stored."""
    me: WhoAmI = yield calls.whoami()
    owner = Owner(hub_name(url), me.organisation.slug, tuple(sorted(set(types))), group)
    writer.check(owner)
    kinds: tuple[KindOfSignal, ...] = yield calls.signal_types()
    writer.keep_thresholds({kind.name: kind.threshold for kind in kinds})
    writer.sweep()
    signals, changed, removed, beginnings = writer.count(), 0, 0, 0
    more = True
    while more:
        cursor = writer.cursor
        try:
            page: FeedPage = yield calls.feed(cursor, owner.types, group, entries)
        except (Gone, Invalid) as refused:
            beginnings += 1
            if not (cursor and _is_of_cursor(refused)) or beginnings > _MOST_BEGINNINGS:
                raise
            writer.begin_anew()
            writer.sweep()
            signals = 0
            continue
        if page.more and page.cursor in ("", cursor):  # it would be read for ever
            raise UnexpectedAnswer("The hub's feed does not go on.", "Tell its administrators.")
        if not cursor:
            writer.belong(owner)  # not before the hub took types and group
        applied = writer.apply(page)
        signals, changed, removed = signals + applied.grown, changed + applied.changed, removed + applied.removed
        more = page.more
        if told is not None:
            told(Synced(signals, changed, removed, beginnings > 0))
    writer.sweep()
    return Synced(signals, changed, removed, beginnings > 0)


def _is_of_cursor(refused: Refused) -> bool:
    return isinstance(refused, Gone) or any(problem.code == "bad_cursor" for problem in refused.problems)
