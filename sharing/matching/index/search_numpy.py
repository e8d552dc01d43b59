"""Search and build with numpy alone (floor 4). The same results as search_numba, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from sharing.matching.index.bands import Words, keys_of
from sharing.matching.index.tables import Hits, Rows, Tables

# Queries taken together, and codes compared together: bounds the memory of one call to about 100 MB.
_QUERIES: Final = 64
_CANDIDATES: Final = 1_000_000


def build_band(codes: Words, start: int, width: int, offsets: Rows, rows: Rows) -> None:
    """Fill one band's table: rows[offsets[k]:offsets[k + 1]] are the codes whose key is k, ascending."""
    keys = keys_of(codes, start, width).astype(np.uint16 if width <= 16 else np.uint32)  # noqa: PLR2004
    offsets[0] = 0
    np.cumsum(np.bincount(keys, minlength=1 << width), out=offsets[1:], dtype=np.uint32)
    rows[:] = np.argsort(keys, kind="stable")


def search(tables: Tables, queries: Words, threshold: int) -> Hits:
    """All codes within the threshold of each query, ordered by query and row."""
    found = [
        hits
        for start in range(0, len(queries), _QUERIES)
        for hits in _within(tables, queries[start : start + _QUERIES], start, threshold)
    ]
    return Hits.of(found).distinct()


def scan(codes: Words, queries: Words, threshold: int) -> Hits:
    """The same answer without tables: every code compared with every query."""
    found = []
    step = max(1, _CANDIDATES // max(len(queries), 1))
    for start in range(0, len(codes), step):
        different = queries[:, None, :] ^ codes[None, start : start + step, :]
        distances = np.bitwise_count(different).sum(axis=2, dtype=np.uint16)
        query, row = np.nonzero(distances <= threshold)
        found.append(Hits(query.astype(np.int64), (row + start).astype(np.int64), distances[query, row]))
    return Hits.of(found).ordered()


def _within(tables: Tables, queries: Words, first: int, threshold: int) -> Iterator[Hits]:
    bands, probes = tables.bands, tables.probes(threshold)
    band_of = np.repeat(np.arange(bands.count), np.diff(probes.begins))
    keys = np.stack([keys_of(queries, start, bands.width) for start in bands.starts.tolist()])
    entries = (keys[band_of].T.astype(np.int64) ^ probes.masks) + band_of * bands.table
    offsets = tables.offsets.reshape(-1)
    begins = offsets[entries].astype(np.int64)
    lengths = (offsets[entries + 1] - begins).ravel()
    begins = (begins + band_of * len(tables.codes)).ravel()
    filled = np.flatnonzero(lengths)
    begins, lengths = begins[filled], lengths[filled]
    asked = filled // entries.shape[1]
    ends = np.cumsum(lengths)
    rows = tables.rows.reshape(-1)
    # Entry after entry, as many as make about _CANDIDATES codes; one entry alone may hold more.
    at = 0
    while at < len(ends):
        done = int(ends[at - 1]) if at else 0
        to = max(at + 1, int(np.searchsorted(ends, done + _CANDIDATES, side="right")))
        part = lengths[at:to]
        position = np.arange(int(ends[to - 1]) - done) + np.repeat(begins[at:to] - (ends[at:to] - part - done), part)
        yield _compare(tables.codes, rows[position], queries, np.repeat(asked[at:to], part), first, threshold)
        at = to


def _compare(codes: Words, rows: Rows, queries: Words, asked: np.ndarray, first: int, threshold: int) -> Hits:  # noqa: PLR0917
    half = max(1, codes.shape[1] // 2)
    # Half of the bits rule out almost every code that is not near.
    near = np.bitwise_count(codes[rows, :half] ^ queries[asked, :half]).sum(axis=1, dtype=np.uint16) <= threshold
    rows, asked = rows[near], asked[near]
    distances = np.bitwise_count(codes[rows] ^ queries[asked]).sum(axis=1, dtype=np.uint16)
    near = distances <= threshold
    return Hits(asked[near] + first, rows[near].astype(np.int64), distances[near])
