"""The engines that bench_matching compares, behind one shape (floor 7): the hub's own, and peers where installed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from sharing.management.hashes import Hashes
from sharing.matching.index.bands import codes_of
from sharing.matching.index.engine import ENGINE, NUMBA, NUMPY, Engine

BITS: Final = 256
THRESHOLD: Final = 31

# For each query, the rows within the threshold.
Answer = list[set[int]]


@dataclass(frozen=True, slots=True)
class Contender:
    """An index that is built. `single` answers one query, `batch` several; `size` is its bytes, all told."""

    single: Callable[[Hashes], Answer]
    batch: Callable[[Hashes], Answer]
    size: int


def contenders(only: list[str]) -> Iterator[tuple[str, Callable[[Hashes], Contender] | str]]:
    """Name and how to build it; or, in place of that, why it is left out."""
    known: dict[str, Callable[[Hashes], Contender] | str] = {
        "mih_numba": (lambda hashes: _hub(hashes, NUMBA)) if NUMBA else "numba is not installed",
        "mih_numpy": lambda hashes: _hub(hashes, NUMPY),
        "linear": _linear,
        "faiss_flat": _faiss,
        "pdqindex": _pdqindex,
    }
    for name, module in (("faiss_flat", "faiss"), ("pdqindex", "threatexchange")):
        try:
            __import__(module)
        except ImportError:
            known[name] = f"{module} is not installed (pip install -e '.[peers]')"
    yield from ((name, known[name]) for name in known if not only or name in only)


def _hub(hashes: Hashes, engine: Engine) -> Contender:
    tables = engine.tables_of(codes_of(hashes.tobytes(), BITS))

    def answer(queries: Hashes) -> Answer:
        hits = engine.search(tables, codes_of(queries.tobytes(), BITS), THRESHOLD)
        return _grouped(len(queries), hits.queries, hits.rows)

    # A snapshot also keeps the indicator's id of each row, in four bytes.
    return Contender(answer, answer, tables.nbytes + 4 * len(hashes))


def _linear(hashes: Hashes) -> Contender:
    codes = codes_of(hashes.tobytes(), BITS)

    def answer(queries: Hashes) -> Answer:
        hits = ENGINE.scan(codes, codes_of(queries.tobytes(), BITS), THRESHOLD)
        return _grouped(len(queries), hits.queries, hits.rows)

    return Contender(answer, answer, codes.nbytes)


def _faiss(hashes: Hashes) -> Contender:
    import faiss  # noqa: PLC0415 - an optional peer, and slow to import

    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryFlat(BITS)
    index.add(hashes)

    def answer(queries: Hashes) -> Answer:
        # faiss takes what is nearer than the radius.
        limits, _distances, rows = index.range_search(queries, THRESHOLD + 1)
        return [set(rows[begin:end].tolist()) for begin, end in pairwise(limits)]

    return Contender(answer, answer, hashes.nbytes)


def _pdqindex(hashes: Hashes) -> Contender:
    import faiss  # noqa: PLC0415 - an optional peer, and slow to import
    from threatexchange.signal_type.pdq.pdq_index import PDQIndex  # noqa: PLC0415

    faiss.omp_set_num_threads(1)
    before = _resident()
    index: Any = PDQIndex()
    for start in range(0, len(hashes), 100_000):
        index.add_all((bytes(value).hex(), start + row) for row, value in enumerate(hashes[start : start + 100_000]))
    size = _resident() - before

    def answer(queries: Hashes) -> Answer:
        return [{match.metadata for match in index.query(bytes(query).hex())} for query in queries]

    return Contender(answer, answer, size)


def _grouped(queries: int, asked: Any, rows: Any) -> Answer:
    ends = np.searchsorted(asked, np.arange(queries + 1))
    return [set(rows[begin:end].tolist()) for begin, end in pairwise(ends)]


def _resident() -> int:
    """Bytes of memory that this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
