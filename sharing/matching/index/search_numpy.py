"""Search and build with numpy alone (floor 4). The same results as search_numba, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sharing.matching.index.bands import ENTRIES, Keys, Words, keys_of
from sharing.matching.index.tables import Hints, Hits, Layout, Rows, Tables

# Queries taken together, and codes compared together: bounds the memory of one call to about 100 MB.
_QUERIES: Final = 64
_CANDIDATES: Final = 1_000_000


def build_band(keys: Keys, following: Keys, layout: Layout, offsets: Rows, rows: Rows, hints: Hints) -> None:  # noqa: PLR0917
    """Fill one band's table: rows[offsets[k]:offsets[k + 1]] are the codes whose key is k, ascending.

    `keys` are the codes' keys in this band, `following` those in the next one.
    """
    offsets[0] = 0
    np.cumsum(np.bincount(keys, minlength=ENTRIES - 1), out=offsets[1:], dtype=np.uint32)
    order = np.argsort(keys, kind="stable")
    kept = (following & np.uint16(layout.hint_mask))[order]
    hints[:] = kept & np.uint16(0xFF)
    high = (kept >> np.uint16(8)).astype(np.uint64) << np.uint64(layout.row_bits)
    rows[:] = order.astype(np.uint64) | high


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
    probes, bands, rows = tables.probes(threshold), len(tables.offsets), len(tables.codes)
    band_of = np.repeat(np.arange(bands), np.diff(probes.begins))
    keys = keys_of(queries)
    entries = (keys[:, band_of].astype(np.int64) ^ probes.masks) + band_of * ENTRIES
    offsets = tables.offsets.reshape(-1)
    begins = offsets[entries].astype(np.int64)
    lengths = (offsets[entries + 1] - begins).ravel()
    begins = (begins + band_of * rows).ravel()
    filled = np.flatnonzero(lengths)
    begins, lengths = begins[filled], lengths[filled]
    asked, probe = np.divmod(filled, len(band_of))
    expected = keys[asked, (band_of[probe] + 1) % bands] & np.uint16(tables.layout.hint_mask)
    slack = probes.slack[probe].astype(np.uint8)
    ends = np.cumsum(lengths)
    # Entry after entry, as many as make about _CANDIDATES rows; one entry alone may hold more.
    at = 0
    while at < len(ends):
        done = int(ends[at - 1]) if at else 0
        to = max(at + 1, int(np.searchsorted(ends, done + _CANDIDATES, side="right")))
        entry = np.repeat(np.arange(at, to), lengths[at:to])
        position = np.arange(len(entry)) + (begins - (ends - lengths) + done)[entry]
        near, row = _likely(tables, position, expected[entry], slack[entry])
        query = asked[entry[near]]
        distances = np.bitwise_count(tables.codes[row] ^ queries[query]).sum(axis=1, dtype=np.uint16)
        within = distances <= threshold
        yield Hits(query[within] + first, row[within], distances[within])
        at = to


def _likely(
    tables: Tables, position: NDArray[np.int64], expected: Keys, slack: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of these places hold a row that is near in the next band too, and those rows."""
    layout = tables.layout
    found = tables.rows.reshape(-1)[position]
    hint = (found >> np.uint32(layout.row_bits)).astype(np.uint16) << np.uint16(8)
    hint |= tables.hints.reshape(-1)[position]
    near = np.flatnonzero(np.bitwise_count(hint ^ expected) <= slack)
    return near, (found[near] & np.uint32((1 << layout.row_bits) - 1)).astype(np.int64)
