"""The engine of this process (floor 4): compiled where numba is installed, numpy otherwise; one result, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sharing.matching.index import search_numpy
from sharing.matching.index.bands import Bands, Words
from sharing.matching.index.tables import Hits, Rows, Tables

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
    build_band: Callable[[Words, int, int, Rows, Rows], None]

    def fill(self, codes: Words, bands: Bands, offsets: Rows, rows: Rows) -> None:
        """Fill the tables of all bands: see Tables for the shapes."""
        starts, widths, begins = bands.starts.tolist(), bands.widths.tolist(), bands.tables.tolist()
        for band in range(bands.count):
            table = offsets[begins[band] : begins[band + 1]]
            self.build_band(codes, starts[band], widths[band], table, rows[band])

    def tables_of(self, codes: Words, bands: Bands) -> Tables:
        """Tables of these codes, in the memory of this process."""
        offsets = np.empty(int(bands.tables[-1]), np.uint32)
        rows = np.empty((bands.count, len(codes)), np.uint32)
        self.fill(codes, bands, offsets, rows)
        return Tables(bands, codes, offsets, rows)

    def warm_up(self) -> None:
        """Compile, or load what was compiled before, so that the first real question does not wait for it."""
        tables = self.tables_of(np.zeros((1, 1), np.uint64), Bands(64, 16))
        self.scan(tables.codes, tables.codes, 0)
        # A snapshot's arrays can't be written to, which the compiler takes for another type.
        for array in (tables.codes, tables.offsets, tables.rows):
            array.flags.writeable = False
        self.search(tables, np.zeros((1, 1), np.uint64), 0)


NUMPY = Engine("numpy", search_numpy.search, search_numpy.scan, search_numpy.build_band)
NUMBA = (
    Engine("numba", search_numba.search, search_numba.scan, search_numba.build_band)
    if search_numba is not None
    else None
)
ENGINE = NUMBA or NUMPY
