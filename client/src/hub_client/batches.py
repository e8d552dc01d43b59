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


def batches(signals: Iterable[NewSignal], rows: int = ROWS) -> Iterator[list[NewSignal]]:
    """Batches in the order of the signals, of at most so many rows; a signal that is too large alone goes alone."""
    if not 1 <= rows <= MOST_ROWS:
        raise ValueError(f"A batch has 1 to {MOST_ROWS} rows.")
    batch: list[NewSignal] = []
    size = indicators = 0
    for signal in signals:
        bytes_here, indicators_here = len(msgspec.json.encode(signal)), signal.weight
        full = len(batch) >= rows or size + bytes_here > _BYTES or indicators + indicators_here > _INDICATORS
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
