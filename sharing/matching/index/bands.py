"""How codes are cut into bands, and how far each band is searched (floor 4).

Multi-index hashing: M. Norouzi, A. Punjani and D. Fleet, "Fast Exact Search in Hamming Space with Multi-Index Hashing",
2012. A code within distance r of a query is close to it in at least one of m bands. With r = m*s + a that band is one
of the last a + 1 within distance s, or one of the others within distance s - 1: were all of them further away, the
distances would add up to more than r. So the radii below lose nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

# What one probe of a band's table and one compared code cost, in nanoseconds: measured, only their ratio counts.
_PROBE_NS: Final = 18
_CANDIDATE_NS: Final = 12
# Bytes for each code that all arrays together may take, and the widest band (its table has 2**width entries).
_BYTES: Final = 126
_MAX_WIDTH: Final = 26


@dataclass(frozen=True)
class Bands:
    """`bits` cut into `count` bands, as equal as can be, the wider ones first."""

    bits: int
    count: int

    @cached_property
    def widths(self) -> NDArray[np.int64]:
        narrow, wider = divmod(self.bits, self.count)
        return np.array([narrow + (band < wider) for band in range(self.count)], np.int64)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The first bit of each band."""
        return np.concatenate([[0], np.cumsum(self.widths)[:-1]]).astype(np.int64)

    @cached_property
    def tables(self) -> NDArray[np.int64]:
        """Where the table of each band begins among all tables, which lie end to end; and, last, their whole length."""
        return np.concatenate([[0], np.cumsum((1 << self.widths) + 1)]).astype(np.int64)

    def radii(self, threshold: int) -> list[int]:
        """How far each band must be searched; -1 is not at all. Wide bands get the smaller radius."""
        whole, rest = divmod(threshold, self.count)
        return [whole - 1] * (self.count - rest - 1) + [whole] * (rest + 1)


@dataclass(frozen=True, slots=True)
class Probes:
    """Which entries are looked up for each query: band b at its key XOR each of masks[begins[b]:begins[b + 1]]."""

    radii: NDArray[np.int64]
    masks: NDArray[np.int64]
    begins: NDArray[np.int64]


@cache
def probes_for(bands: Bands, threshold: int) -> Probes:
    masks: list[int] = []
    begins = [0]
    radii = bands.radii(threshold)
    for width, radius in zip(bands.widths.tolist(), radii, strict=True):
        for flips in range(radius + 1):
            masks.extend(sum(1 << bit for bit in flipped) for flipped in combinations(range(width), flips))
        begins.append(len(masks))
    return Probes(np.array(radii, np.int64), np.array(masks, np.int64), np.array(begins, np.int64))


def choose_bands(bits: int, threshold: int, rows: int) -> Bands:
    """The cut that answers fastest for that many codes, among those that keep to the memory."""
    cuts = [Bands(bits, count) for count in range(2, bits // 4 + 1) if -(-bits // count) <= _MAX_WIDTH]
    affordable = [cut for cut in cuts if _bytes_per_code(cut, rows) <= _BYTES]
    if not affordable:
        return min(cuts, key=lambda cut: _bytes_per_code(cut, rows))
    return min(affordable, key=lambda cut: _cost(cut, threshold, rows))


def _bytes_per_code(bands: Bands, rows: int) -> float:
    return bands.bits / 8 + 4 + 4 * bands.count + 4 * float(bands.tables[-1]) / max(rows, 1)


def _cost(bands: Bands, threshold: int, rows: int) -> float:
    nanoseconds = 0.0
    for width, radius in zip(bands.widths.tolist(), bands.radii(threshold), strict=True):
        lookups = sum(comb(width, flips) for flips in range(radius + 1))
        nanoseconds += lookups * (_PROBE_NS + _CANDIDATE_NS * rows / (1 << width))
    return nanoseconds


def keys_of(codes: Words, start: int, width: int) -> Words:
    """Each code's bits [start, start + width), as a number."""
    word, shift = divmod(start, 64)
    keys = codes[:, word] >> np.uint64(shift)
    if shift + width > 64:  # noqa: PLR2004 - bits of a word
        keys = keys | (codes[:, word + 1] << np.uint64(64 - shift))
    return keys & np.uint64((1 << width) - 1)


# Neighbouring bits of a perceptual hash describe neighbouring frequencies and go together; bands of them would be very
# uneven. An odd stride takes the bits of one band from all over the hash. Distances stay what they are.
_STRIDE: Final = 77
_CHUNK: Final = 65_536  # hashes turned at once: a byte for each bit, for a moment


@cache
def _order(bits: int) -> NDArray[np.intp]:
    return (np.arange(bits) * _STRIDE) % bits


def codes_of(values: bytes | memoryview, bits: int) -> Words:
    """Hashes, end to end, as an array of shape (hashes, bits / 64) with their bits in the index's own order."""
    hashes = np.frombuffer(values, np.uint8).reshape(-1, bits // 8)
    if len(hashes) <= _CHUNK:
        return np.packbits(np.unpackbits(hashes, axis=1).take(_order(bits), axis=1), axis=1).view(np.uint64)
    chunks = range(0, len(hashes), _CHUNK)
    return np.concatenate([codes_of(hashes[start : start + _CHUNK].tobytes(), bits) for start in chunks])
