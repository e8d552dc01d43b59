"""Asking a copy without the hub: the same answers as the hub's look-ups give, as of the last sync."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from hub_client.answers import Answered, Signal
from hub_client.errors import BadCopy, Problem
from hub_client.signal_types import NAMES, get
from hub_client.signals import Indicator, prepared_all

from .file import CopyState, damaged, opened_to_read, state_of, told, transaction
from .scanning import Hashes, is_clear

MOST: Final = 20
_BLIND: Final = "Look it up at the hub, or let it blind the identifier first (HubClient.tokens, --blind)."


class Kept(Answered, frozen=True):
    """A signal of the copy that an item leads to; `distance` is the number of bits that differ."""

    signal: Signal
    distance: int


class CopyAnswer(Answered, frozen=True):
    """What the copy knows of one item: `found`, `none` or `refused`, closest first. `more`: there are others."""

    item: int
    status: str
    signals: tuple[Kept, ...] = ()
    more: bool = False
    errors: tuple[Problem, ...] = ()


class LocalCopy:
    """A copy that `sync` keeps, asked offline. Use it in a `with` statement, or close it; keep it open for many
    look-ups, because the hashes of a type are read once. What a sync changes meanwhile counts at the next call.

    Raises BadCopy, also while the copy was never read to its end: half of it would say "none" too often.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._database = opened_to_read(self.path)
        self._hashes: dict[str, Hashes] = {}
        self._read_at = (0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def state(self) -> CopyState:
        """Whose it is, how much is in it, and how old it is."""
        with told(self.path):
            return state_of(self._database)

    def is_sound(self) -> bool:
        """Whether SQLite finds the file as it should be. Reads all of it."""
        with told(self.path):
            found: tuple[str] = self._database.execute("PRAGMA quick_check(1)").fetchone()
        return found == ("ok",)

    def signals(self) -> Iterator[Signal]:
        """All that are in the copy and not expired by this machine's clock, as of the moment of the call."""
        # A connection of its own: its transaction is open for as long as somebody reads on.
        with LocalCopy(self.path) as copy, told(self.path), transaction(copy._database, "DEFERRED"):
            rows = copy._database.execute(
                "SELECT content FROM signal WHERE build = ? AND expires_at > ?", (copy._shown(), time.time())
            )
            for (content,) in rows:
                yield msgspec.json.decode(content, type=Signal)

    def signal(self, uuid: str) -> Signal | None:
        """One signal, or None."""
        with told(self.path), transaction(self._database, "DEFERRED"):
            row = self._database.execute(
                "SELECT content FROM signal WHERE build = ? AND uuid = ? AND expires_at > ?",
                (self._shown(), uuid.lower(), time.time()),
            ).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Signal)

    def look_up(self, items: Sequence[Indicator], *, most: int = MOST) -> list[CopyAnswer]:
        """What the copy knows of each item, in their order: by identity for every type, for pdq, phash and dhash near
        too, within the hub's thresholds. An identifier must be a token already: in plain it is refused, as is a type
        of which the copy does not hold everything. Raises InvalidValue for a value that its type refuses.
        """
        prepared = list(prepared_all(tuple(items)))
        with told(self.path), transaction(self._database, "DEFERRED"):
            build = self._shown()
            state = self._about()
            return [self._answer(place, item, build, state, most) for place, item in enumerate(prepared)]

    def _answer(self, place: int, item: Indicator, build: int, about: _About, most: int) -> CopyAnswer:
        if problem := _refusal(place, item, about.types):
            return CopyAnswer(place, "refused", errors=(problem,))
        found = self._found(item, build, about.thresholds)
        now, kept = time.time(), []
        for distance, number in found:
            row = self._database.execute(
                "SELECT content FROM signal WHERE id = ? AND expires_at > ?", (number, now)
            ).fetchone()
            if row is not None:
                kept.append(Kept(msgspec.json.decode(row[0], type=Signal), distance))
            if len(kept) > most:
                break
        return CopyAnswer(place, "found" if kept else "none", tuple(kept[:most]), len(kept) > most)

    def _found(self, item: Indicator, build: int, thresholds: dict[str, int]) -> list[tuple[int, int]]:
        """Distance and number of each signal, closest first and then newest."""
        value, near = _stored(item), get(item.type).near
        if near is None or not is_clear(item.quality):
            rows = self._database.execute(
                "SELECT signal FROM indicator WHERE build = ? AND type = ? AND value = ?", (build, item.type, value)
            )
            return sorted(((0, number) for (number,) in rows), key=_closest_newest)
        closest: dict[int, int] = {}
        for distance, number in self._all(item.type, build).near(value, thresholds.get(item.type, 0)):
            closest[number] = min(distance, closest.get(number, distance))
        return sorted(((distance, number) for number, distance in closest.items()), key=_closest_newest)

    def _all(self, name: str, build: int) -> Hashes:
        if name not in self._hashes:
            rows = self._database.execute(
                "SELECT value, signal, quality FROM indicator WHERE build = ? AND type = ?", (build, name)
            )
            try:
                self._hashes[name] = Hashes.of(rows, get(name).size)
            except ValueError:  # a value of another size
                raise damaged(self.path) from None
        return self._hashes[name]

    def _shown(self) -> int:
        """The build to read from, in the transaction that has just begun; forgets hashes that are not of its moment."""
        shown, changes = self._database.execute("SELECT shown, changes FROM copy").fetchone()
        if not shown:
            raise BadCopy(f"The copy {self.path} was never read to its end.", "Run `hub-client sync` until it ends.")
        if self._read_at != (shown, changes):
            self._hashes, self._read_at = {}, (shown, changes)
        build: int = shown
        return build

    def _about(self) -> _About:
        types, thresholds = self._database.execute("SELECT types, thresholds FROM copy").fetchone()
        return _About(types.split(",") if types else [], msgspec.json.decode(thresholds, type=dict[str, int]))


class _About(msgspec.Struct, frozen=True):
    types: list[str]
    thresholds: dict[str, int]


def _closest_newest(found: tuple[int, int]) -> tuple[int, int]:
    distance, number = found
    return distance, -number


def _refusal(place: int, item: Indicator, types: Sequence[str]) -> Problem | None:
    path = f"/items/{place}/type"
    if item.type not in NAMES:
        return Problem(path, "unknown_type", "There is no type of this name.", f"There are {', '.join(NAMES)}.")
    if types and item.type not in types:
        message = f"This copy was narrowed to {', '.join(types)}, and does not hold all of {item.type}."
        return Problem(path, "not_in_copy", message, "Ask the hub, or another copy.")
    if item.is_plain:
        message = (
            "A plain identifier can't be looked up offline: the copy holds tokens, and only the hub's key makes them."
        )
        return Problem(f"/items/{place}/value", "plain_identifier", message, _BLIND)
    return None


def _stored(item: Indicator) -> bytes:
    """The bytes as the feed has them."""
    if item.token:
        return bytes.fromhex(item.token)
    value: Any = item.value
    return get(item.type).parse(value if isinstance(value, str) else msgspec.json.encode(value).decode())
