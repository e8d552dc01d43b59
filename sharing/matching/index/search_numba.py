"""Search and build compiled by numba (floor 4): used by itself where numba is installed.

A search runs in three phases for each band, so that the memory's answers overlap: the table's entries, the row numbers,
the codes; each phase asks for what the next one reads. A code is reported in the first band that could have found it,
so that none is reported twice and nothing needs to be remembered.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from sharing.matching.index.bands import Words
from sharing.matching.index.tables import Hits, Tables

_ROOM: Final = 4_096  # hits; a search that finds more is run again with room for all
_BUFFER: Final = 2_048  # rows whose codes are on their way


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
def _key(code: Any, start: Any, width: Any) -> Any:
    word = start >> 6
    shift = np.uint64(start & 63)
    key = code[word] >> shift
    if (start & 63) + width > 64:  # noqa: PLR2004 - bits of a word
        key |= code[word + 1] << (np.uint64(64) - shift)
    return key & ((np.uint64(1) << np.uint64(width)) - np.uint64(1))


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
def _found_before(band: Any, code: Any, query: Any, starts: Any, width: Any, radii: Any) -> Any:
    for earlier in range(band):
        if radii[earlier] >= 0:
            apart = _key(code, starts[earlier], width) ^ _key(query, starts[earlier], width)
            if _count_bits(apart) <= np.uint64(radii[earlier]):
                return True
    return False


@njit(nogil=True, cache=True)
def build_band(codes: Any, start: Any, width: Any, offsets: Any, rows: Any) -> None:
    """As search_numpy.build_band: a counting sort."""
    offsets[:] = 0
    for row in range(codes.shape[0]):
        offsets[np.int64(_key(codes[row], start, width)) + 1] += np.uint32(1)
    for key in range(1, offsets.shape[0]):
        offsets[key] += offsets[key - 1]
    # Each entry serves as the place of its next row, which leaves it at the beginning of the next entry.
    for row in range(codes.shape[0]):
        entry: Any = np.int64(_key(codes[row], start, width))
        rows[offsets[entry]] = np.uint32(row)
        offsets[entry] += np.uint32(1)
    for key in range(offsets.shape[0] - 1, 0, -1):
        offsets[key] = offsets[key - 1]
    offsets[0] = 0


@njit(nogil=True, cache=True)
def _search(
    codes: Any, flat: Any, offsets: Any, rows: Any, entries_of_band: Any, starts: Any, width: Any, radii: Any,
    masks: Any, begins: Any, queries: Any, threshold: Any, out_query: Any, out_row: Any, out_distance: Any,
) -> Any:  # fmt: skip
    """Write the hits and return their number, which may exceed the room."""
    count = 0
    room = out_query.shape[0]
    words = codes.shape[1]
    most = 0
    for band in range(starts.shape[0]):
        most = max(most, begins[band + 1] - begins[band])
    entry_at = np.empty(most, np.int64)
    entry_end = np.empty(most, np.int64)
    waiting = np.empty(_BUFFER, np.int64)
    for asked in range(queries.shape[0]):
        query = queries[asked]
        for band in range(starts.shape[0]):
            first, last = begins[band], begins[band + 1]
            if first == last:
                continue
            key = np.int64(_key(query, starts[band], width))
            table = band * entries_of_band
            before = band * codes.shape[0]
            for probe in range(first, last):
                _prefetch(offsets, table + (key ^ masks[probe]))
            entries = 0
            for probe in range(first, last):
                entry = table + (key ^ masks[probe])
                begin, end = np.int64(offsets[entry]), np.int64(offsets[entry + 1])
                if end > begin:
                    entry_at[entries] = before + begin
                    entry_end[entries] = before + end
                    entries += 1
                    _prefetch(rows, before + begin)
            entry = 0
            at = entry_at[0]
            while entry < entries:
                filled = 0
                while entry < entries and filled < _BUFFER:
                    end = entry_end[entry]
                    while at < end and filled < _BUFFER:
                        row = np.int64(rows[at])
                        waiting[filled] = row
                        _prefetch(flat, row * words)
                        filled += 1
                        at += 1
                    if at >= end:
                        entry += 1
                        if entry < entries:
                            at = entry_at[entry]
                for place in range(filled):
                    row = waiting[place]
                    distance = _distance(codes[row], query)
                    if distance <= np.uint64(threshold) and not _found_before(
                        band, codes[row], query, starts, width, radii
                    ):
                        if count < room:
                            out_query[count] = asked
                            out_row[count] = row
                            out_distance[count] = distance
                        count += 1
    return count


@njit(nogil=True, cache=True)
def _scan(codes: Any, queries: Any, threshold: Any, out_query: Any, out_row: Any, out_distance: Any) -> Any:
    count = 0
    for asked in range(queries.shape[0]):
        query = queries[asked]
        for row in range(codes.shape[0]):
            distance = _distance(codes[row], query)
            if distance <= np.uint64(threshold):
                if count < out_query.shape[0]:
                    out_query[count] = asked
                    out_row[count] = row
                    out_distance[count] = distance
                count += 1
    return count


def search(tables: Tables, queries: Words, threshold: int) -> Hits:
    """As search_numpy.search."""
    bands, probes = tables.bands, tables.probes(threshold)
    return _with_room(
        _search, tables.codes, tables.codes.reshape(-1), tables.offsets.reshape(-1), tables.rows.reshape(-1),
        bands.table, bands.starts, bands.width, probes.radii, probes.masks, probes.begins, queries, threshold,
    )  # fmt: skip


def scan(codes: Words, queries: Words, threshold: int) -> Hits:
    """As search_numpy.scan."""
    return _with_room(_scan, codes, queries, threshold)


def _with_room(find: Any, *arguments: Any) -> Hits:
    room = _ROOM
    while True:
        out = Hits(np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.uint16))
        count = find(*arguments, out.queries, out.rows, out.distances)
        if count <= room:
            return Hits(out.queries[:count], out.rows[:count], out.distances[:count]).ordered()
        room = count
