"""Every request to the hub, in one place: the two clients, which wait and which do not, only send them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar
from urllib.parse import quote, urlsplit

from .answers import (
    BatchResult,
    BulkUpload,
    Evaluated,
    FeedPage,
    Flood,
    IdentifierKeys,
    KindOfSignal,
    LineResult,
    LookupResult,
    Match,
    Page,
    SharingGroup,
    Signal,
    Suffix,
    WhoAmI,
)
from .errors import UnexpectedAnswer
from .signals import Indicator, NewSignal

Answer = TypeVar("Answer")

_API: Final = "/api/v1"
_LONGEST_ADDRESS: Final = 8_192
PREFIX: Final = 5  # digits of a hash by which a range is asked for


class Stream(Protocol):
    """A body that can be read from its beginning again."""

    def pieces(self) -> Iterator[bytes]: ...
    def apieces(self) -> AsyncIterator[bytes]: ...
    @property
    def size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """A request and the type of its answer. `repeatable`: sending it twice does what sending it once does.

    A body that is too long to hold is read from `stream` in pieces, with `headers` that say what it is.
    """

    method: str
    path: str
    answer: type[Answer]
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = field(default=None, repr=False)
    repeatable: bool = True
    stream: Stream | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def following(self, address: str) -> Call[Answer]:
        """The next page. Only path and query of its address count: the key goes to no other host, and the hub may not
        know under which address it is reached. Raises UnexpectedAnswer for no such address, and for the page that was
        just read: it would be read for ever."""
        try:
            parts = urlsplit(address if len(address) <= _LONGEST_ADDRESS else "")
        except ValueError:
            parts = urlsplit("")
        _before, api, rest = parts.path.partition(_API)
        path = f"{api}{rest}?{parts.query}"
        if not api or not (path.isascii() and path.isprintable()):
            raise UnexpectedAnswer("The hub names a next page that is none of its own.", "Tell its administrators.")
        if path == self.path:
            raise UnexpectedAnswer("The hub names the same page again as the next one.", "Tell its administrators.")
        return Call(self.method, path, self.answer)


def whoami() -> Call[WhoAmI]:
    return Call("GET", f"{_API}/whoami", WhoAmI)


def sharing_groups() -> Call[tuple[SharingGroup, ...]]:
    return Call("GET", f"{_API}/sharing-groups", tuple[SharingGroup, ...])


def signal_types() -> Call[tuple[KindOfSignal, ...]]:
    return Call("GET", f"{_API}/signal-types", tuple[KindOfSignal, ...])


def submit(signal: NewSignal) -> Call[Signal]:
    return Call("POST", f"{_API}/signals", Signal, body=signal.body(), repeatable=signal.external_id is not None)


def submit_batch(signals: Sequence[NewSignal], *, atomic: bool) -> Call[BatchResult]:
    body = {"atomic": atomic, "signals": [signal.body() for signal in signals]}
    named = all(signal.external_id is not None for signal in signals)
    return Call("POST", f"{_API}/signals/batch", BatchResult, body=body, repeatable=named)


def submit_bulk(body: Stream, key: str) -> Call[BulkUpload]:
    headers = {
        "Content-Type": "application/x-ndjson", "Content-Encoding": "gzip", "Content-Length": str(body.size),
        "Idempotency-Key": key,
    }  # fmt: skip
    return Call("POST", f"{_API}/signals/bulk", BulkUpload, stream=body, headers=headers)


def bulk_results(uuid: str) -> Call[Page[LineResult]]:
    return Call("GET", f"{_API}/signals/bulk/{_part(uuid)}/results", Page[LineResult], {"limit": "5000"})


def signal(uuid: str) -> Call[Signal]:
    return Call("GET", f"{_API}/signals/{_part(uuid)}", Signal)


def signals(filters: Mapping[str, Any]) -> Call[Page[Signal]]:
    return Call("GET", f"{_API}/signals", Page[Signal], _params(filters))


def change(uuid: str, changes: Mapping[str, Any]) -> Call[Signal]:
    return Call("PATCH", f"{_API}/signals/{_part(uuid)}", Signal, body=dict(changes))


def retract(uuid: str, reason: str) -> Call[Signal]:
    return Call("POST", f"{_API}/signals/{_part(uuid)}/retract", Signal, body={"reason": reason})


def look_up(items: Sequence[Indicator]) -> Call[LookupResult]:
    return Call("POST", f"{_API}/lookups", LookupResult, body={"items": list(items)})


def look_up_range(signal_type: str, digits: str) -> Call[Page[Suffix]]:
    path = f"{_API}/lookups/range/{_part(signal_type)}/{_part(digits[:PREFIX])}"
    return Call("GET", path, Page[Suffix])


def feed(cursor: str, types: Sequence[str], group: str, limit: int) -> Call[FeedPage]:
    asked = {"cursor": cursor, "types": ",".join(types), "group": group, "limit": limit}
    return Call("GET", f"{_API}/feed", FeedPage, _params({name: value or None for name, value in asked.items()}))


def identifier_keys() -> Call[IdentifierKeys]:
    return Call("GET", f"{_API}/identifiers/keys", IdentifierKeys)


def evaluate(elements: Sequence[str], key_id: str) -> Call[Evaluated]:
    body = {"elements": list(elements), "key_id": key_id}
    return Call("POST", f"{_API}/identifiers/evaluate", Evaluated, body=body)


def matches(filters: Mapping[str, Any]) -> Call[Page[Match]]:
    return Call("GET", f"{_API}/matches", Page[Match], _params(filters))


def match(uuid: str) -> Call[Match]:
    return Call("GET", f"{_API}/matches/{_part(uuid)}", Match)


def give_verdict(uuid: str, verdict: str, note: str) -> Call[Match]:
    return Call("POST", f"{_API}/matches/{_part(uuid)}/verdict", Match, body={"verdict": verdict, "note": note})


def floods() -> Call[Page[Flood]]:
    return Call("GET", f"{_API}/floods", Page[Flood])


def _part(text: str) -> str:
    return quote(text, safe="")


def _params(filters: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else str(value)
        for name, value in filters.items()
        if value is not None
    }
