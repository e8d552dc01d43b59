"""The engine of this process (floor 4): compiled where numba is installed, numpy otherwise; one result, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sharing.matching.index import search_numpy
from sharing.matching.index.bands import Words
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


NUMPY = Engine("numpy", search_numpy.search, search_numpy.scan, search_numpy.build_band)
NUMBA = (
    Engine("numba", search_numba.search, search_numba.scan, search_numba.build_band)
    if search_numba is not None
    else None
)
ENGINE = NUMBA or NUMPY
