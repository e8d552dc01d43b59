"""The engine of this process (floor 4): compiled where numba is installed, numpy otherwise; one result, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sharing.matching.index import search_numpy
from sharing.matching.index.bands import ENTRIES, Keys, Words, keys_of
from sharing.matching.index.tables import Hints, Hits, Layout, Rows, Tables

try:
    from sharing.matching.index import search_numba
except ImportError:
    search_numba = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Engine:
    """`search` answers from tables, `scan` compares with every code, `build_band` fills the table of one band."""

    name: str
    search: Callable[[Tables, Words, int], Hits]
    scan: Callable[[Words, Words, int], Hits]
    build_band: Callable[[Keys, Keys, Layout, Rows, Rows, Hints], None]

    def fill(self, tables: Tables) -> None:
        """Fill the tables of all bands from the codes."""
        keys = np.ascontiguousarray(keys_of(tables.codes).T)
        for band, (offsets, rows, hints) in enumerate(zip(tables.offsets, tables.rows, tables.hints, strict=True)):
            self.build_band(keys[band], keys[(band + 1) % len(keys)], tables.layout, offsets, rows, hints)

    def tables_of(self, codes: Words) -> Tables:
        """Tables of these codes, in the memory of this process."""
        bands = keys_of(codes).shape[1]
        offsets = np.empty((bands, ENTRIES), np.uint32)
        rows = np.empty((bands, len(codes)), np.uint32)
        tables = Tables(codes, offsets, rows, np.empty((bands, len(codes)), np.uint8))
        self.fill(tables)
        return tables

    def warm_up(self) -> None:
        """Compile, or load what was compiled before, so that the first real question does not wait for it."""
        tables = self.tables_of(np.zeros((1, 1), np.uint64))
        self.scan(tables.codes, tables.codes, 0)
        # A snapshot's arrays can't be written to, which the compiler takes for another type.
        for array in (tables.codes, tables.offsets, tables.rows, tables.hints):
            array.flags.writeable = False
        self.search(tables, np.zeros((1, 1), np.uint64), 0)


NUMPY = Engine("numpy", search_numpy.search, search_numpy.scan, search_numpy.build_band)
NUMBA = (
    Engine("numba", search_numba.search, search_numba.scan, search_numba.build_band)
    if search_numba is not None
    else None
)
ENGINE = NUMBA or NUMPY
