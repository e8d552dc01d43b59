"""What every index of near neighbours promises (floor 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Neighbour(NamedTuple):
    indicator_id: int
    # Hamming distance in bits.
    distance: int


class NearIndex(Protocol):
    def neighbours(self, signal_type: str, values: Sequence[bytes], threshold: int) -> list[list[Neighbour]]:
        """For each value, every stored indicator of the type within `threshold` bits: recall 1.0, no order promised.

        Sees each indicator whose transaction was committed when the call began. Knows nothing of visibility, expiry or
        retraction: the caller asks the database about those.
        """
        ...
