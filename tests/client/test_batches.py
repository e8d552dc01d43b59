"""Batches stay within what the hub takes."""

from __future__ import annotations

import pytest

from hub_client import Indicator, NewSignal
from hub_client.batches import batches


def a_signal(number: int, frames: int = 0, summary: str = "") -> NewSignal:
    film = [{"hash": "f8" * 32, "quality": 100, "timestamp": float(second)} for second in range(frames)]
    value: Indicator = Indicator("vpdq", film) if frames else Indicator("md5", "a1" * 16)
    return NewSignal(external_id=str(number), harm="other", severity="low", summary=summary, indicators=(value,))


def sizes(signals: list[NewSignal], rows: int = 500) -> list[int]:
    cut = list(batches(iter(signals), rows))
    assert [signal for batch in cut for signal in batch] == signals
    return [len(batch) for batch in cut]


def test_by_rows_by_frames_and_by_bytes() -> None:
    assert sizes([a_signal(number) for number in range(1_203)]) == [500, 500, 203]
    assert sizes([a_signal(number, frames=4_000) for number in range(5)]) == [2, 2, 1]
    assert sizes([a_signal(number, frames=10_000) for number in range(2)]) == [1, 1]
    assert sizes([a_signal(number, summary="x" * 3_000_000) for number in range(5)]) == [2, 2, 1]
    assert sizes([]) == []


@pytest.mark.parametrize("rows", [0, 5_001])
def test_a_number_of_rows_that_the_hub_does_not_take(rows: int) -> None:
    with pytest.raises(ValueError, match="5000"):
        list(batches([], rows))
