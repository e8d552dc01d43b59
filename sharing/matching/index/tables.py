"""The arrays of an index (floor 4): codes, and for each band the rows that hold each key.

An entry of `rows` is the number of a row and, in the bits that the largest number leaves free above it, up to 8 high
bits of that row's key in the next band; `hints` has the 8 low bits. So a search knows how near a row is in two bands
without reading its code. Up to 16 million rows the whole key is there, at 4 billion still half of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sharing.matching.index.bands import WIDTH, Probes, Words, probes_for

Rows = NDArray[np.uint32]
Hints = NDArray[np.uint8]


_LOW = 8  # bits of a hint that `hints` has


@dataclass(frozen=True, slots=True)
class Layout:
    """How the tables of so many rows are packed."""

    row_bits: int
    hint_mask: int  # the bits of the next band's key that are kept

    @classmethod
    def of(cls, rows: int) -> Layout:
        row_bits = max(1, (rows - 1).bit_length())
        return cls(row_bits, (1 << min(WIDTH, _LOW + 32 - row_bits)) - 1)


@dataclass(frozen=True, slots=True)
class Tables:
    """An index of n codes, ready to be searched. Nothing here ever changes: threads and processes may share it."""

    codes: Words  # (n, bits / 64), in the index's own order of bits
    offsets: Rows  # (bands, ENTRIES): where the rows of each key begin
    rows: Rows  # (bands, n)
    hints: Hints  # (bands, n)

    @property
    def layout(self) -> Layout:
        return Layout.of(len(self.codes))

    def probes(self, threshold: int) -> Probes:
        return probes_for(len(self.offsets), threshold)

    @property
    def nbytes(self) -> int:
        return self.codes.nbytes + self.offsets.nbytes + self.rows.nbytes + self.hints.nbytes


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search found: query i is `distance` bits from row j. Three arrays of one length."""

    queries: NDArray[np.int64]
    rows: NDArray[np.int64]
    distances: NDArray[np.uint16]

    @classmethod
    def of(cls, parts: Sequence[Hits]) -> Hits:
        return cls(
            np.concatenate([np.zeros(0, np.int64), *(part.queries for part in parts)]),
            np.concatenate([np.zeros(0, np.int64), *(part.rows for part in parts)]),
            np.concatenate([np.zeros(0, np.uint16), *(part.distances for part in parts)]),
        )

    def ordered(self) -> Hits:
        """By query and row."""
        if len(self.rows) < 2:  # noqa: PLR2004
            return self
        order = np.lexsort((self.rows, self.queries))
        return Hits(self.queries[order], self.rows[order], self.distances[order])

    def distinct(self) -> Hits:
        """Each pair once, ordered by query and row."""
        hits = self.ordered()
        first = np.ones(len(hits.rows), np.bool_)
        first[1:] = (hits.queries[1:] != hits.queries[:-1]) | (hits.rows[1:] != hits.rows[:-1])
        return Hits(hits.queries[first], hits.rows[first], hits.distances[first])
