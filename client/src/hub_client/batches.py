"""Many signals cut into batches that the hub takes, and their answers put back in place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from .answers import BatchResult, RowResult
from .signals import NewSignal

MOST_ROWS: Final = 5_000
ROWS: Final = 500
# The hub's limits are 32 MB and 20,000 indicators, frames among them.
_BYTES: Final = 8 * 2**20
_INDICATORS: Final = 10_000
# Rows of a file that are held and sent together in bulk: what a command that is stopped has to send again.
BULK_ROWS: Final = 20_000
_BULK_BYTES: Final = 32 * 2**20


def batches(signals: Iterable[NewSignal], rows: int = ROWS, *, bulk: bool = False) -> Iterator[list[NewSignal]]:
    """Batches in the order of the signals, of at most so many rows; a signal that is too large alone goes alone.

    For bulk uploads there may be more rows, and bytes only count here, where they are held.
    """
    most, most_bytes = (BULK_ROWS, _BULK_BYTES) if bulk else (MOST_ROWS, _BYTES)
    if not 1 <= rows <= most:
        raise ValueError(f"A batch has 1 to {most} rows.")
    batch: list[NewSignal] = []
    size = indicators = 0
    for signal in signals:
        bytes_here, indicators_here = len(msgspec.json.encode(signal)), signal.weight
        full = len(batch) >= rows or size + bytes_here > most_bytes
        full = full or (not bulk and indicators + indicators_here > _INDICATORS)
        if batch and full:
            yield batch
            batch, size, indicators = [], 0, 0
        batch.append(signal)
        size += bytes_here
        indicators += indicators_here
    if batch:
        yield batch


def in_place(result: BatchResult, before: int) -> Iterator[RowResult]:
    """The rows of a batch's answer, counted from the first of all signals."""
    for row in result.results:
        yield msgspec.structs.replace(row, row=row.row + before)
