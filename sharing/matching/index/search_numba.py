"""Search and build compiled by numba (floor 4): used by itself where numba is installed.

A search runs in three phases, so that the memory's answers overlap: the tables' entries, the rows with their hints, and
the codes of the few rows that are near in the next band too; each phase asks for what the next one reads. An entry may
have many rows, 150 at ten million codes: the first phase asks for their first lines and the second, some entries ahead,
for the others, since all at once push each other out of the cache. A code is reported in the first band that leads to
it, so that none is reported twice and nothing needs to be remembered.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from sharing.matching.index.bands import ENTRIES, Keys, Words
from sharing.matching.index.tables import Hints, Hits, Layout, Rows, Tables

_ROOM: Final = 4_096  # hits; a search that finds more goes on with more room
_BUFFER: Final = 2_048  # rows whose codes are on their way
_LINE: Final = 16  # row numbers in a line of the cache; of hints four times as many
_AHEAD: Final = 4  # entries: of these many further on all rows are asked for


def _bit_count(_typing: Any, _word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


def _cache_line(_typing: Any, array: Any, at: Any) -> Any:
    """Ask for the cache line of array[at]; the array is flat and contiguous."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        prefetch = builder.module.globals.get("llvm.prefetch.p0") or ir.Function(
            builder.module, kind, "llvm.prefetch.p0"
        )
        # For reading, to be kept in every cache, data.
        builder.call(prefetch, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


_count_bits: Any = intrinsic(_bit_count)
_prefetch: Any = intrinsic(_cache_line)


@njit(inline="always")
def _distance(code: Any, query: Any) -> Any:
    if query.shape[0] == 4:  # noqa: PLR2004 - unrolled: PDQ
        return (
            _count_bits(code[0] ^ query[0])
            + _count_bits(code[1] ^ query[1])
            + _count_bits(code[2] ^ query[2])
            + _count_bits(code[3] ^ query[3])
        )
    total = np.uint64(0)
    for word in range(query.shape[0]):
        total += _count_bits(code[word] ^ query[word])
    return total


@njit(inline="always")
def _found_before(band: Any, code: Any, query: Any, radii: Any, hint_mask: Any) -> Any:
    """Whether an earlier band has led to this code: the same two conditions, from the code itself."""
    bands = radii.shape[0]
    for earlier in range(band):
        apart = np.int64(_count_bits(np.uint64(code[earlier] ^ query[earlier])))
        if apart <= radii[earlier]:
            following = earlier + 1 if earlier + 1 < bands else 0
            slack = radii[earlier] + radii[following] + 1 - apart
            if _count_bits(np.uint64((code[following] ^ query[following]) & hint_mask)) <= np.uint64(slack):
                return True
    return False


@njit(nogil=True, cache=True)
def _build_band(keys: Any, following: Any, row_bits: Any, hint_mask: Any, offsets: Any, rows: Any, hints: Any) -> None:
    """A counting sort."""
    offsets[:] = 0
    for row in range(keys.shape[0]):
        offsets[np.int64(keys[row]) + 1] += np.uint32(1)
    for key in range(1, offsets.shape[0]):
        offsets[key] += offsets[key - 1]
    # Each entry serves as the place of its next row, which leaves it at the beginning of the next entry.
    for row in range(keys.shape[0]):
        place: Any = offsets[keys[row]]
        hint: Any = np.uint64(following[row]) & np.uint64(hint_mask)
        rows[place] = np.uint32(np.uint64(row) | ((hint >> np.uint64(8)) << np.uint64(row_bits)))
        hints[place] = np.uint8(hint & np.uint64(0xFF))
        offsets[keys[row]] += np.uint32(1)
    for key in range(offsets.shape[0] - 1, 0, -1):
        offsets[key] = offsets[key - 1]
    offsets[0] = 0


@njit(inline="always")
def _look_up(offsets: Any, rows: Any, hints: Any, masks: Any, begins: Any, query: Any, found: Any) -> None:
    """Ask for all entries of one query; then note where their rows begin and end, and ask for those."""
    for band in range(query.shape[0]):
        key = np.int64(query[band])
        for probe in range(begins[band], begins[band + 1]):
            _prefetch(offsets, band * ENTRIES + (key ^ masks[probe]))
    stored = rows.shape[0] // query.shape[0]
    for band in range(query.shape[0]):
        key = np.int64(query[band])
        for probe in range(begins[band], begins[band + 1]):
            entry = band * ENTRIES + (key ^ masks[probe])
            begin = band * stored + np.int64(offsets[entry])
            found[probe, 0] = begin
            found[probe, 1] = band * stored + np.int64(offsets[entry + 1])
            _prefetch(rows, begin)
            _prefetch(rows, begin + _LINE)
            _prefetch(hints, begin)


@njit(inline="always")
def _ask_for_all(rows: Any, hints: Any, begin: Any, end: Any) -> None:
    """Ask for an entry's rows beyond those that _look_up has asked for."""
    for place in range(begin + 2 * _LINE, end, _LINE):
        _prefetch(rows, place)
    for place in range(begin + 4 * _LINE, end, 4 * _LINE):
        _prefetch(hints, place)


@njit(inline="always")
def _gather(
    rows: Any, hints: Any, flat: Any, words: Any, row_bits: Any, hint_mask: Any, slack: Any, begins: Any, query: Any,
    found: Any, at: Any, out_row: Any, out_band: Any,
) -> Any:  # fmt: skip
    """Read on from `at` until the buffer is full, and ask for the code of each row whose hint is near.

    Gives how many rows that were, and where to read on.
    """
    band, probe, place = at
    row_mask = (np.uint64(1) << np.uint64(row_bits)) - np.uint64(1)
    gathered = 0
    while probe < found.shape[0] and gathered < _BUFFER:
        while probe >= begins[band + 1]:
            band += 1
        following = band + 1 if band + 1 < query.shape[0] else 0
        expected = np.uint64(query[following]) & np.uint64(hint_mask)
        most = np.uint64(slack[probe])
        if place == 0 and probe + _AHEAD < found.shape[0]:
            _ask_for_all(rows, hints, found[probe + _AHEAD, 0], found[probe + _AHEAD, 1])
        end = min(found[probe, 1], max(place, found[probe, 0]) + _BUFFER - gathered)
        for entry in range(np.uint64(max(place, found[probe, 0])), np.uint64(end)):
            packed = np.uint64(rows[entry])
            hint = ((packed >> np.uint64(row_bits)) << np.uint64(8)) | np.uint64(hints[entry])
            if _count_bits(hint ^ expected) <= most:
                row = np.int64(packed & row_mask)
                out_row[gathered] = row
                out_band[gathered] = band
                gathered += 1
                _prefetch(flat, row * words)
        if end == found[probe, 1]:
            probe += 1
            place = 0
        else:
            place = end
    return gathered, (band, probe, place)


@njit(nogil=True, cache=True)
def _search(
    codes: Any, offsets: Any, rows: Any, hints: Any, row_bits: Any, hint_mask: Any, radii: Any, masks: Any, slack: Any,
    begins: Any, queries: Any, first: Any, threshold: Any, out_query: Any, out_row: Any, out_distance: Any,
) -> Any:  # fmt: skip
    """Write the hits of the queries from `first` on; gives their number, and the first query that found no room."""
    count = 0
    flat, rows_flat, hints_flat = codes.reshape(-1), rows.reshape(-1), hints.reshape(-1)
    keys, asked_keys = codes.view(np.uint16), queries.view(np.uint16)
    found = np.empty((masks.shape[0], 2), np.int64)
    near_row, near_band = np.empty(_BUFFER, np.int64), np.empty(_BUFFER, np.int64)
    for asked in range(first, queries.shape[0]):
        before = count
        query, query_keys = queries[asked], asked_keys[asked]
        _look_up(offsets.reshape(-1), rows_flat, hints_flat, masks, begins, query_keys, found)
        at = (0, 0, 0)
        while at[1] < found.shape[0]:
            gathered, at = _gather(
                rows_flat, hints_flat, flat, codes.shape[1], row_bits, hint_mask, slack, begins, query_keys, found,
                at, near_row, near_band,
            )  # fmt: skip
            if count + gathered > out_query.shape[0]:
                return before, asked
            for near in range(gathered):
                row = near_row[near]
                distance = _distance(codes[row], query)
                if distance <= np.uint64(threshold) and not _found_before(
                    near_band[near], keys[row], query_keys, radii, hint_mask
                ):
                    out_query[count] = asked
                    out_row[count] = row
                    out_distance[count] = distance
                    count += 1
    return count, queries.shape[0]


@njit(nogil=True, cache=True)
def _scan(codes: Any, queries: Any, first: Any, threshold: Any, out_query: Any, out_row: Any, out_distance: Any) -> Any:
    """As _search, by comparing every code."""
    count = 0
    for asked in range(first, queries.shape[0]):
        before = count
        query = queries[asked]
        for row in range(codes.shape[0]):
            distance = _distance(codes[row], query)
            if distance <= np.uint64(threshold):
                if count == out_query.shape[0]:
                    return before, asked
                out_query[count] = asked
                out_row[count] = row
                out_distance[count] = distance
                count += 1
    return count, queries.shape[0]


def build_band(keys: Keys, following: Keys, layout: Layout, offsets: Rows, rows: Rows, hints: Hints) -> None:
    """As search_numpy.build_band."""
    _build_band(keys, following, layout.row_bits, layout.hint_mask, offsets, rows, hints)


def search(tables: Tables, queries: Words, threshold: int) -> Hits:
    """As search_numpy.search."""
    layout, probes = tables.layout, tables.probes(threshold)
    return _with_room(
        _search, threshold, queries, tables.codes, tables.offsets, tables.rows, tables.hints, layout.row_bits,
        layout.hint_mask, probes.radii, probes.masks, probes.slack, probes.begins,
    )  # fmt: skip


def scan(codes: Words, queries: Words, threshold: int) -> Hits:
    """As search_numpy.scan."""
    return _with_room(_scan, threshold, queries, codes)


def _with_room(find: Any, threshold: int, queries: Words, *arguments: Any) -> Hits:
    """Goes on with more room from the query that found none."""
    found, first, room = [], 0, _ROOM
    while True:
        out = Hits(np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.uint16))
        count, first = find(*arguments, queries, first, threshold, out.queries, out.rows, out.distances)
        found.append(Hits(out.queries[:count], out.rows[:count], out.distances[:count]))
        if first == len(queries):
            return (Hits.of(found) if len(found) > 1 else found[0]).ordered()
        room *= 4
