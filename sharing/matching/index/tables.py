"""The arrays of an index (floor 4): codes, and for each band the rows that hold each key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sharing.matching.index.bands import Bands, Probes, Words, probes_for

Rows = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Tables:
    """An index of n codes, ready to be searched. Nothing here ever changes: threads and processes may share it."""

    bands: Bands
    codes: Words  # (n, bits / 64), in the index's own order of bits
    offsets: Rows  # (bands, entries of a table): where the rows of each key begin
    rows: Rows  # (bands, n)

    def probes(self, threshold: int) -> Probes:
        return probes_for(self.bands, threshold)

    @property
    def nbytes(self) -> int:
        return self.codes.nbytes + self.offsets.nbytes + self.rows.nbytes


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
