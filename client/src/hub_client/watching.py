"""Following the matches: which of those on the newest pages are new. The hub has no feed of them yet.

Matches come newest first, but one whose transaction took long appears below newer ones. So each look reads on to a time
before the newest that was known, and tells matches apart by their ids.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from .answers import Match, Moment

OVERLAP: Final = timedelta(minutes=2)
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Watch:
    """What is known of the matches. A look is `begin`, `wants` for each match from the newest on, and `new`."""

    def __init__(self, since: datetime | None = None) -> None:
        """`since`: matches from this moment on are new; without it, those that come after the first look."""
        self._since = since
        self._newest = since
        self._silent = since is None
        self._known: dict[str, datetime] = {}
        self._seen: list[Match] = []
        self._until: datetime | None = None

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Watch:
        """Go on where `state` was taken. Raises ValueError for what is no state."""
        try:
            kept = msgspec.convert(state, _State)
        except msgspec.ValidationError:
            raise ValueError("This is no state of a watch.") from None
        watch = cls(kept.since)
        watch._newest, watch._known, watch._silent = kept.newest, dict(kept.known), False
        return watch

    def state(self) -> dict[str, Any]:
        """What `from_state` takes: plain values, ids and times only."""
        kept: dict[str, Any] = msgspec.to_builtins(_State(self._since, self._newest, self._known))
        return kept

    def begin(self) -> None:
        self._seen = []
        self._until = _shortly_before(self._newest) if self._newest is not None else None

    def wants(self, match: Match) -> bool:
        """Take the next match of the list; False when everything below it is known."""
        if self._until is not None and match.created_at < self._until:
            return False
        if self._since is not None and match.created_at < self._since:
            return False
        if self._silent and self._seen and match.created_at < _shortly_before(self._seen[0].created_at):
            return False
        self._seen.append(match)
        return True

    def new(self) -> list[Match]:
        """The matches of this look that were not known, oldest first. They are known from now on."""
        fresh = [match for match in self._seen if match.id not in self._known]
        self._known |= {match.id: match.created_at for match in self._seen}
        if self._known:
            newest = max(self._known.values())
            self._newest = newest if self._newest is None else max(self._newest, newest)
            kept_from = _shortly_before(self._newest)
            self._known = {uuid: at for uuid, at in self._known.items() if at >= kept_from}
        silent, self._silent = self._silent, False
        return [] if silent else sorted(fresh, key=lambda match: match.created_at)


def _shortly_before(moment: datetime) -> datetime:
    return max(moment, _EARLIEST) - OVERLAP  # nothing comes before the first moment of all


class _State(msgspec.Struct):
    since: Moment | None
    newest: Moment | None
    known: dict[str, Moment]
