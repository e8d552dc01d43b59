"""Made-up hashes for benchmarks and tests (floor 7): spread evenly, in clusters as real pictures are, and flat ones."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint8]  # (hashes, bytes of one)

# A share of the pictures are black, white, or one plain colour: their hashes are a few bits from all zeros or ones.
_FLAT_SHARE: Final = 0.002
_FLAT_BITS: Final = 4


def uniform(rows: int, size: int, seed: int = 1) -> Hashes:
    return np.random.default_rng(seed).integers(0, 256, (rows, size), dtype=np.uint8)


def clustered(rows: int, size: int, threshold: int, seed: int = 1) -> Hashes:
    """Few pictures that everybody copies and many that hardly anybody does (Zipf), each copy some bits from its
    picture; and flat pictures among them."""
    dice = np.random.default_rng(seed)
    pictures = uniform(max(1, rows // 3), size, seed + 1)
    which = np.minimum(dice.zipf(1.3, rows) - 1, len(pictures) - 1)
    made = flipped(pictures[which], dice.integers(0, threshold, rows), dice)
    flat = dice.choice(rows, max(1, int(rows * _FLAT_SHARE)), replace=False)
    plain = np.where(dice.random((len(flat), 1)) < 0.5, 0, 255).astype(np.uint8) * np.ones((1, size), np.uint8)  # noqa: PLR2004
    made[flat] = flipped(plain, dice.integers(0, _FLAT_BITS + 1, len(flat)), dice)
    return made


def flipped(hashes: Hashes, flips: NDArray[np.int64], dice: np.random.Generator) -> Hashes:
    """Each hash with so many different bits flipped."""
    bits = np.unpackbits(hashes, axis=1)
    # The positions of a random order that come before `flips`: so many different ones in each row.
    order = dice.random(bits.shape).argsort(axis=1).argsort(axis=1)
    return np.packbits(bits ^ (order < flips[:, None]), axis=1)
