"""Bulk uploads: a hundred thousand signals in one request, which is sent again until the hub has all of it.

What is sent lies in a temporary file without a name: as it leaves, so with tokens in place of identifiers.
"""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import IO, Final

import msgspec

from . import calls, steps
from .answers import BulkUpload, LineResult, RowResult
from .errors import UnexpectedAnswer
from .identifiers import Tokens
from .signals import NewSignal

MOST_LINES: Final = 100_000
_PREPARED_AT_ONCE: Final = 1_000
_PIECE: Final = 1 << 16
_GZIP: Final = 31  # zlib's number for the largest window, in gzip's form
_LEVEL: Final = 1
_IN_MEMORY: Final = 1 << 20


class Body:
    """Lines as they are sent, compressed, in a file that is gone with this object."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - read later, closed by close()
        self._compress = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._digest = hashlib.sha256()

    def add(self, signal: NewSignal) -> None:
        line = msgspec.json.encode(signal.body(), order="deterministic") + b"\n"
        self._digest.update(line)
        self._file.write(self._compress.compress(line))

    def end(self) -> None:
        self._file.write(self._compress.flush())

    @property
    def key(self) -> str:
        """The same for the same lines: so an upload is known again by a program that was killed and started anew."""
        return self._digest.hexdigest()

    @property
    def size(self) -> int:
        return self._file.seek(0, 2)

    def pieces(self) -> Iterator[bytes]:
        """From the beginning, each time."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece

    async def apieces(self) -> AsyncIterator[bytes]:
        for piece in self.pieces():
            yield piece

    def close(self) -> None:
        self._file.close()


def parts(signals: Iterable[NewSignal]) -> Iterator[Iterator[NewSignal]]:
    """Of any number, so many as go into one upload; each part is to be read to its end before the next."""
    waiting = iter(signals)
    while (first := next(waiting, None)) is not None:
        yield _with(first, islice(waiting, MOST_LINES - 1))


def _with(first: NewSignal, rest: Iterator[NewSignal]) -> Iterator[NewSignal]:
    yield first
    yield from rest


def numbered(key: str | None, number: int) -> str | None:
    """A key of one's own for each part."""
    return None if key is None else f"{key}-{number}"


def upload(
    tokens: Tokens, signals: Iterator[NewSignal], key: str | None, before: int
) -> steps.Steps[tuple[int, dict[int, RowResult], BulkUpload | None]]:
    """One upload: how many signals were read, those that their types refuse here, and the upload of the others.

    Rows count from `before` on. The lines of the upload are the rows that are not refused here, in their order.
    """
    body = Body()
    refused: dict[int, RowResult] = {}
    read = before
    try:
        while some := list(islice(signals, _PREPARED_AT_ONCE)):
            found = {read + place: steps.refusal(read + place, signal) for place, signal in enumerate(some)}
            refused |= {row: result for row, result in found.items() if result is not None}
            good = [signal for place, signal in enumerate(some) if found[read + place] is None]
            for signal in (yield from steps.ready(tokens, good)) if good else ():
                body.add(signal)
            read += len(some)
        body.end()
        if read - before == len(refused):
            return read, refused, None
        told: BulkUpload = yield calls.submit_bulk(body, key or body.key)
        return read, refused, told
    finally:
        body.close()


def in_rows(
    results: Iterable[LineResult], before: int, read: int, refused: dict[int, RowResult]
) -> Iterator[RowResult]:
    """The results of lines as those of rows, those that were refused here in their places. Raises UnexpectedAnswer."""
    lines, number = iter(results), 0
    for row in range(before, read):
        if row in refused:
            yield refused[row]
        else:
            line, number = next(lines, None), number + 1
            if line is None or line.line != number:
                raise UnexpectedAnswer("The hub's results are not those of what was sent.", "Tell its administrators.")
            yield RowResult(row, line.status, line.id, line.external_id, line.errors)
