"""Made-up hashes for benchmarks and tests (floor 7): spread evenly, in clusters as real pictures are, and flat ones."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint8]  # (hashes, bytes of one)

# A share of the pictures are black, white, or one plain colour: their hashes are a few bits from all zeros or ones.
_FLAT_SHARE: Final = 0.002
_FLAT_BITS: Final = 4
_MOST_COPIES: Final = 2_000


def uniform(rows: int, size: int, seed: int = 1) -> Hashes:
    return np.random.default_rng(seed).integers(0, 256, (rows, size), dtype=np.uint8)


def clustered(rows: int, size: int, threshold: int, seed: int = 1) -> Hashes:
    """Many pictures that hardly anybody copies and few that are copied up to 2,000 times (Zipf), each copy some bits
    from its picture; and flat pictures among them."""
    dice = np.random.default_rng(seed)
    copies = np.minimum(dice.zipf(1.5, rows), _MOST_COPIES)
    pictures = uniform(int(np.searchsorted(np.cumsum(copies), rows)) + 1, size, seed + 1)
    which = np.repeat(np.arange(len(pictures)), copies[: len(pictures)])[:rows]
    made = flipped(pictures[dice.permutation(which)], dice.integers(0, threshold, rows), dice)
    flat = dice.choice(rows, max(1, int(rows * _FLAT_SHARE)), replace=False)
    plain = np.where(dice.random((len(flat), 1)) < 0.5, 0, 255).astype(np.uint8) * np.ones((1, size), np.uint8)  # noqa: PLR2004
    made[flat] = flipped(plain, dice.integers(0, _FLAT_BITS + 1, len(flat)), dice)
    return made


def flipped(hashes: Hashes, flips: NDArray[np.int64], dice: np.random.Generator) -> Hashes:
    """Each hash with so many bits flipped, or a few less: a bit may be met twice."""
    made = hashes.copy()
    for flip in range(int(flips.max(initial=0))):
        rows = np.flatnonzero(flips > flip)
        bits = dice.integers(0, hashes.shape[1] * 8, len(rows))
        made[rows, bits >> 3] ^= (1 << (bits & 7)).astype(np.uint8)
    return made
