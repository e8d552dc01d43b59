"""What every index of near neighbours promises (floor 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Neighbour(NamedTuple):
    indicator_id: int
    # Hamming distance in bits.
    distance: int


class Reach(NamedTuple):
    """How much an answer rests on: every indicator of the type that was written before the transaction `horizon`."""

    signal_type: str
    horizon: int
    # Of the table's file: a table that was written anew counts its transactions anew.
    filenode: int


class NearIndex(Protocol):
    def neighbours(self, signal_type: str, values: Sequence[bytes], threshold: int) -> list[list[Neighbour]]:
        """For each value, every stored indicator of the type within `threshold` bits: recall 1.0, no order promised.

        Sees each indicator whose transaction was committed when the call began. Knows nothing of visibility, expiry or
        retraction: the caller asks the database about those.
        """
        ...

    def known(
        self, signal_type: str, values: Sequence[bytes], threshold: int
    ) -> tuple[list[list[Neighbour]], Reach] | None:
        """The same of what this process knows already, with how far that reaches; None where it had better ask.

        Asks the database nothing. So the answer is whole only if a statement that began after the call finds nothing
        beyond the reach.
        """
        ...
