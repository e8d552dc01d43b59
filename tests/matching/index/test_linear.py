"""The index of near neighbours against a count of bits in plain Python."""

from __future__ import annotations

import random

import pytest

from sharing.matching.index import NearIndex, near_index
from sharing.matching.index.linear import LinearScan
from sharing.signal_types import distance
from sharing.signals.indicators import Indicator

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("signal_type", "size", "threshold"), [("pdq", 32, 31), ("phash", 8, 8)])
@pytest.mark.parametrize("rows", [1, 7, 1000])
@pytest.mark.parametrize("index", [LinearScan(), near_index()], ids=["linear", "current"])
def test_finds_exactly_what_counting_bits_finds(
    monkeypatch: pytest.MonkeyPatch, index: NearIndex, signal_type: str, size: int, threshold: int, rows: int
) -> None:
    # Several chunks of rows in a small test.
    monkeypatch.setattr("sharing.matching.index.linear.ROWS", rows)
    dice = random.Random(rows)
    queries = [dice.randbytes(size) for _ in range(10)]
    stored = {dice.randbytes(size) for _ in range(20)}
    for query in queries:
        for bits in (0, 1, threshold - 1, threshold, threshold + 1):
            value = int.from_bytes(query)
            for bit in dice.sample(range(size * 8), bits):
                value ^= 1 << bit
            stored.add(value.to_bytes(size))
    Indicator.objects.bulk_create(Indicator(signal_type=signal_type, value=value) for value in stored)
    Indicator.objects.create(signal_type="dhash", value=queries[0][:8])
    ids = {bytes(row.value): row.pk for row in Indicator.objects.filter(signal_type=signal_type)}
    found = index.neighbours(signal_type, queries, threshold)
    assert [sorted(neighbours) for neighbours in found] == [
        sorted((pk, distance(query, value)) for value, pk in ids.items() if distance(query, value) <= threshold)
        for query in queries
    ]


def test_nothing_asked_or_nothing_stored_is_nothing_found() -> None:
    assert LinearScan().neighbours("pdq", [], 31) == []
    assert LinearScan().neighbours("pdq", [bytes(32)], 31) == [[]]
