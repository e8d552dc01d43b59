"""The search itself, arrays in and arrays out: what it finds is what comparing every code finds."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.management.hashes import Hashes, clustered, flipped, uniform
from sharing.matching.index.bands import WIDTH, Words, codes_of, radii_for
from sharing.matching.index.engine import NUMBA, NUMPY, Engine
from sharing.matching.index.tables import Hits, Layout, Tables
from sharing.signal_types import distance

ENGINES = [NUMPY, *([NUMBA] if NUMBA else [])]
each_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
# bits, largest threshold
FAMILIES = [(256, 31), (64, 8)]


def tables_of(hashes: Hashes, engine: Engine) -> Tables:
    return engine.tables_of(codes_of(hashes.tobytes(), hashes.shape[1] * 8))


def triples(hits: Hits) -> list[tuple[int, int, int]]:
    return list(zip(hits.queries.tolist(), hits.rows.tolist(), hits.distances.tolist(), strict=True))


def counted(stored: Hashes, queries: Hashes, threshold: int) -> list[tuple[int, int, int]]:
    """Plain Python, one pair after the other."""
    apart = [
        (query, row, distance(bytes(asked), bytes(kept)))
        for query, asked in enumerate(queries)
        for row, kept in enumerate(stored)
    ]
    return [found for found in apart if found[2] <= threshold]


@each_engine
@pytest.mark.parametrize(("bits", "most"), FAMILIES)
def test_the_scan_finds_what_counting_bits_finds(engine: Engine, bits: int, most: int) -> None:
    stored = clustered(300, bits // 8, most)
    queries = np.concatenate([stored[:20], uniform(5, bits // 8, seed=9)])
    for threshold in (0, 1, most):
        found = engine.scan(codes_of(stored.tobytes(), bits), codes_of(queries.tobytes(), bits), threshold)
        assert triples(found) == counted(stored, queries, threshold)


@each_engine
@pytest.mark.parametrize(("bits", "most"), FAMILIES)
@pytest.mark.parametrize("kind", ["uniform", "clustered"])
@pytest.mark.parametrize("rows", [1, 500, 20_000])
def test_no_search_misses_what_the_scan_finds(engine: Engine, bits: int, most: int, kind: str, rows: int) -> None:
    stored, queries = stored_and_asked(bits, most, kind, rows)
    tables = tables_of(stored, engine)
    for threshold in (0, 1, most // 2, most):
        expected = NUMPY.scan(tables.codes, queries, threshold)
        assert triples(engine.search(tables, queries, threshold)) == triples(expected)


@each_engine
@pytest.mark.parametrize("row_bits", [24, 25, 31, 32])
def test_nothing_is_missed_where_row_numbers_leave_few_bits_for_hints(
    engine: Engine, row_bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with up to four billion rows."""
    layout = Layout(row_bits, Layout.of(1 << row_bits).hint_mask)
    monkeypatch.setattr(Tables, "layout", property(lambda _self: layout))
    stored, queries = stored_and_asked(256, 31, "clustered", 5_000)
    tables = tables_of(stored, engine)
    assert triples(engine.search(tables, queries, 31)) == triples(NUMPY.scan(tables.codes, queries, 31))


def test_a_hint_is_the_whole_neighbour_until_row_numbers_need_the_room() -> None:
    kept = {rows: Layout.of(rows).hint_mask.bit_count() for rows in (0, 1, 2, 10**6, 10**7, 1 << 24, 10**8, 1 << 32)}
    assert list(kept.values()) == [16, 16, 16, 16, 16, 16, 13, 8]
    for rows in kept:
        layout = Layout.of(rows)
        assert rows <= 1 << layout.row_bits
        assert layout.row_bits + layout.hint_mask.bit_count() <= 40


def stored_and_asked(bits: int, most: int, kind: str, rows: int) -> tuple[Hashes, Words]:
    stored = uniform(rows, bits // 8) if kind == "uniform" else clustered(rows, bits // 8, most)
    dice = np.random.default_rng(3)
    near = flipped(stored[dice.integers(0, rows, 150)], dice.integers(0, most + 8, 150), dice)
    flat = np.array([[0] * (bits // 8), [255] * (bits // 8)], np.uint8)
    return stored, codes_of(np.concatenate([near, flat, uniform(20, bits // 8, seed=5)]).tobytes(), bits)


@pytest.mark.skipif(NUMBA is None, reason="numba is not installed")
@pytest.mark.parametrize(("bits", "most"), FAMILIES)
def test_both_engines_build_and_answer_the_same_bit_for_bit(bits: int, most: int) -> None:
    assert NUMBA is not None
    stored = clustered(30_000, bits // 8, most)
    ours, theirs = tables_of(stored, NUMPY), tables_of(stored, NUMBA)
    for name in ("offsets", "rows", "hints"):
        assert (getattr(ours, name) == getattr(theirs, name)).all()
    queries = codes_of(stored[:700].tobytes(), bits)
    one, other = NUMPY.search(ours, queries, most), NUMBA.search(theirs, queries, most)
    assert len(one.rows) > 700
    for name in ("queries", "rows", "distances"):
        assert getattr(one, name).dtype == getattr(other, name).dtype
        assert (getattr(one, name) == getattr(other, name)).all()


@st.composite
def borderline(draw: st.DrawFn) -> tuple[int, int, bytes, list[int]]:
    """Bits, a threshold, a hash, and the bits in which another one differs: about as many as the threshold allows,
    all in one place, in a few bands, or anywhere."""
    # Further than any signal type goes: radii up to 5.
    bits, most = draw(st.sampled_from([(256, 50), (64, 20)]))
    threshold = draw(st.integers(0, most))
    value = draw(st.binary(min_size=bits // 8, max_size=bits // 8))
    apart = max(0, threshold + draw(st.sampled_from([-1, 0, 1])))
    first = draw(st.integers(0, bits - 1))
    step = draw(st.sampled_from([1, 3, WIDTH // 2, WIDTH, WIDTH + 1, 37, 77, 173]))
    flips = draw(st.permutations(range(bits))) if draw(st.booleans()) else [first + step * at for at in range(bits)]
    return bits, threshold, value, list(dict.fromkeys(bit % bits for bit in flips))[:apart]


@each_engine
@given(case=borderline())
def test_the_threshold_is_kept_to_the_bit(engine: Engine, case: tuple[int, int, bytes, list[int]]) -> None:
    bits, threshold, value, flips = case
    other = int.from_bytes(value)
    for bit in flips:
        other ^= 1 << bit
    stored = np.frombuffer(other.to_bytes(bits // 8), np.uint8)[None, :]
    found = engine.search(tables_of(stored, engine), codes_of(value, bits), threshold)
    assert triples(found) == ([(0, 0, len(flips))] if len(flips) <= threshold else [])


@each_engine
@pytest.mark.parametrize(("bits", "most"), FAMILIES)
def test_every_band_is_searched_as_far_as_it_must_be(engine: Engine, bits: int, most: int) -> None:
    """In the index's own order of bits: all differences in one band and its neighbours, band after band."""
    query = np.zeros((1, bits // 64), np.uint64)
    for start in range(0, bits, WIDTH):
        for apart in (most - 1, most, most + 1):
            code = query.copy()
            for bit in range(start, start + apart):
                word, shift = divmod(bit % bits, 64)
                code[0, word] ^= np.uint64(1) << np.uint64(shift)
            assert len(engine.search(engine.tables_of(code), query, most).rows) == (apart <= most)


@each_engine
@pytest.mark.parametrize("threshold", range(9))
def test_no_way_of_sharing_out_the_differences_over_the_bands_is_missed(engine: Engine, threshold: int) -> None:
    """Every one of them, for four bands: the numbers of different bits in each band that add up to the threshold."""
    ways = [way for way in product(range(threshold + 1), repeat=4) if sum(way) == threshold]
    keys = np.array([[(1 << bits) - 1 for bits in way] for way in ways], np.uint16)
    hits = engine.search(engine.tables_of(keys.view(np.uint64)), np.zeros((1, 1), np.uint64), threshold)
    assert hits.rows.tolist() == list(range(len(ways)))
    assert set(hits.distances.tolist()) == {threshold}


@pytest.mark.parametrize("bands", [4, 16])
def test_the_radii_leave_no_gap(bands: int) -> None:
    for threshold in range(64):
        assert sum(radius + 1 for radius in radii_for(bands, threshold)) == threshold + 1


@each_engine
@pytest.mark.parametrize(("bits", "most"), FAMILIES)
def test_memory_is_at_most_130_bytes_for_each_hash(engine: Engine, bits: int, most: int) -> None:
    rows = 500_000
    tables = tables_of(uniform(rows, bits // 8), engine)
    # With four bytes for each id; with more rows the tables of entries weigh less.
    assert tables.nbytes / rows + 4 <= 130
