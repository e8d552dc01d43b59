"""How codes are cut into bands, and how far each band and its neighbour are searched (floor 4).

Multi-index hashing: M. Norouzi, A. Punjani and D. Fleet, "Fast Exact Search in Hamming Space with Multi-Index Hashing",
2012; with the ring of J. Qin and C. Xiao, "Pigeonring: A Principle for Faster Thresholded Similarity Search", 2018.

Band b is searched as far as radius r[b], where all (r[b] + 1) add up to one more than the threshold. Let a code differ
from the query by d[b] in band b, by at most the threshold in all: then the numbers d[b] - (r[b] + 1) add up to less
than 0. Put them on a ring. Some band is the beginning of a way once around along which the sum is always below 0: the
one after the place where the running sum is highest. For that band d[b] <= r[b], so it is found there; and for it and
its neighbour d[b] + d[b + 1] <= r[b] + r[b + 1] + 1, which rules out nearly all that is found by chance, before the
code itself is read. Nothing within the threshold is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Keys = NDArray[np.uint16]

# Bits of a band; a key is a uint16. At a million codes a key has 15 rows, at ten million 153, side by side in memory.
WIDTH: Final = 16
# Entries of one band's table: where the rows of each key begin, and where the last ones end.
ENTRIES: Final = (1 << WIDTH) + 1


@dataclass(frozen=True, slots=True)
class Probes:
    """Which entries are looked up for each query: band b at its key XOR each of masks[begins[b]:begins[b + 1]].

    Of the rows found there, those count whose key in the next band differs from the query's in at most `slack` bits,
    one number for each mask.
    """

    radii: NDArray[np.int64]  # -1: the band is not searched
    masks: NDArray[np.int64]
    slack: NDArray[np.int64]
    begins: NDArray[np.int64]


def radii_for(bands: int, threshold: int) -> list[int]:
    whole, rest = divmod(threshold + 1, bands)
    return [whole - 1] * (bands - rest) + [whole] * rest


@cache
def probes_for(bands: int, threshold: int) -> Probes:
    masks: list[int] = []
    slack: list[int] = []
    begins = [0]
    radii = radii_for(bands, threshold)
    for band, radius in enumerate(radii):
        both = radius + radii[(band + 1) % bands] + 1
        for flips in range(radius + 1):
            flipped = [sum(1 << bit for bit in bits) for bits in combinations(range(WIDTH), flips)]
            masks += flipped
            slack += [both - flips] * len(flipped)
        begins.append(len(masks))
    return Probes(*(np.array(numbers, np.int64) for numbers in (radii, masks, slack, begins)))


def keys_of(codes: Words) -> Keys:
    """Of each code the key in each band: shape (codes, bands), the same memory."""
    return codes.view(np.uint16)


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
