"""The search itself, arrays in and arrays out: what it finds is what comparing every code finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.management.hashes import Hashes, clustered, flipped, uniform
from sharing.matching.index.bands import Bands, bytes_per_code, choose_bands, codes_of
from sharing.matching.index.engine import NUMBA, NUMPY, Engine
from sharing.matching.index.tables import Hits, Tables
from sharing.signal_types import distance

ENGINES = [NUMPY, *([NUMBA] if NUMBA else [])]
each_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
# bits, largest threshold
FAMILIES = [(256, 31), (64, 8)]


def tables_of(hashes: Hashes, bands: Bands, engine: Engine) -> Tables:
    return engine.tables_of(codes_of(hashes.tobytes(), bands.bits), bands)


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
def test_no_cut_misses_what_the_scan_finds(engine: Engine, bits: int, most: int, kind: str, rows: int) -> None:
    stored = uniform(rows, bits // 8) if kind == "uniform" else clustered(rows, bits // 8, most)
    dice = np.random.default_rng(3)
    near = flipped(stored[dice.integers(0, rows, 150)], dice.integers(0, most + 8, 150), dice)
    flat = np.array([[0] * (bits // 8), [255] * (bits // 8)], np.uint8)
    queries = codes_of(np.concatenate([near, flat, uniform(20, bits // 8, seed=5)]).tobytes(), bits)
    few, many = (15, 18) if bits == 256 else (4, 8)
    cuts = {Bands(bits, few, bits // few), Bands(bits, many, bits // many - 1), choose_bands(bits, most, rows)}
    for bands in cuts:
        tables = tables_of(stored, bands, engine)
        for threshold in (0, 1, most // 2, most):
            expected = NUMPY.scan(tables.codes, queries, threshold)
            assert triples(engine.search(tables, queries, threshold)) == triples(expected)


@pytest.mark.skipif(NUMBA is None, reason="numba is not installed")
@pytest.mark.parametrize(("bits", "most"), FAMILIES)
def test_both_engines_build_and_answer_the_same_bit_for_bit(bits: int, most: int) -> None:
    assert NUMBA is not None
    stored = clustered(30_000, bits // 8, most)
    bands = choose_bands(bits, most, len(stored))
    ours, theirs = tables_of(stored, bands, NUMPY), tables_of(stored, bands, NUMBA)
    assert (ours.offsets == theirs.offsets).all()
    assert (ours.rows == theirs.rows).all()
    queries = codes_of(stored[:700].tobytes(), bits)
    one, other = NUMPY.search(ours, queries, most), NUMBA.search(theirs, queries, most)
    assert len(one.rows) > 700
    for name in ("queries", "rows", "distances"):
        assert getattr(one, name).dtype == getattr(other, name).dtype
        assert (getattr(one, name) == getattr(other, name)).all()


@st.composite
def borderline(draw: st.DrawFn) -> tuple[int, Bands, int, bytes, list[int]]:
    """A cut, a threshold, a hash, and the bits in which another one differs: about as many as the threshold allows,
    all in one place, in a few bands, or anywhere."""
    # Of 64 bits further than any signal type goes: radii up to 5 in tables that are still small.
    bits, fewest, most = draw(st.sampled_from([(256, 16, 31), (64, 4, 20)]))
    count = draw(st.integers(fewest, 2 * fewest))
    bands = Bands(bits, count, draw(st.integers(bits // count - 2, bits // count)))
    threshold = draw(st.integers(0, most))
    value = draw(st.binary(min_size=bits // 8, max_size=bits // 8))
    apart = max(0, threshold + draw(st.sampled_from([-1, 0, 1])))
    first = draw(st.integers(0, bits - 1))
    step = draw(st.sampled_from([1, 3, bits // bands.count, bits // bands.count + 1, 37, 77, 173]))
    flips = draw(st.permutations(range(bits))) if draw(st.booleans()) else [first + step * at for at in range(bits)]
    return bits, bands, threshold, value, list(dict.fromkeys(bit % bits for bit in flips))[:apart]


@each_engine
@given(case=borderline())
def test_the_threshold_is_kept_to_the_bit(engine: Engine, case: tuple[int, Bands, int, bytes, list[int]]) -> None:
    bits, bands, threshold, value, flips = case
    other = int.from_bytes(value)
    for bit in flips:
        other ^= 1 << bit
    stored = np.frombuffer(other.to_bytes(bits // 8), np.uint8)[None, :]
    found = engine.search(tables_of(stored, bands, engine), codes_of(value, bits), threshold)
    assert triples(found) == ([(0, 0, len(flips))] if len(flips) <= threshold else [])


@each_engine
@pytest.mark.parametrize(("bits", "most"), FAMILIES)
def test_every_band_is_searched_as_far_as_it_must_be(engine: Engine, bits: int, most: int) -> None:
    """In the index's own order of bits: all differences in one band and its neighbours, band after band."""
    bands = Bands(bits, 16 if bits == 256 else 4, 16)
    query = np.zeros((1, bits // 64), np.uint64)
    for start in bands.starts.tolist():
        for apart in (most - 1, most, most + 1):
            code = query.copy()
            for bit in range(start, start + apart):
                word, shift = divmod(bit % bits, 64)
                code[0, word] ^= np.uint64(1) << np.uint64(shift)
            assert len(engine.search(engine.tables_of(code, bands), query, most).rows) == (apart <= most)


@pytest.mark.parametrize(("bits", "most"), FAMILIES)
def test_memory_is_at_most_130_bytes_for_each_hash(bits: int, most: int) -> None:
    for rows in (1_000_000, 3_000_000, 10_000_000, 100_000_000):
        bands = choose_bands(bits, most, rows)
        assert bands.count * bands.width <= bits
        assert bytes_per_code(bands, rows) <= 130
