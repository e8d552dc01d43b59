"""PDQ, the perceptual hash of pictures, in numpy: no compiler is needed.

Source: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (2019), and the reference's behaviour
at the edges. The reference blurs the whole picture four times and then keeps 64 x 64 points of it. All of that is
linear, so here one matrix for each direction holds what those points are made of, and no other point is worked out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE: Final = 64  # of the small picture
KEPT: Final = 16  # frequencies in each direction
LEAST_PIXELS: Final = 5  # a side; the reference has no hash for less
_PASSES: Final = 2
_ROWS_AT_ONCE: Final = 256
_NOTHING: Final = 1e-12  # what rounding leaves of zero

Floats = NDArray[np.float32]


def pdq(picture: Image.Image) -> tuple[bytes, int]:
    """The hash, 32 bytes, and its quality, 0 to 100, of a picture in mode RGB or L.

    Raises ValueError for a side of fewer than 5 pixels.
    """
    small = small_luminance(picture)
    frequencies = _cosines() @ small @ _cosines().T
    values = frequencies.ravel()
    median = np.partition(values, values.size // 2 - 1)[values.size // 2 - 1]
    # The first frequency is the lowest bit.
    return np.packbits((values > median)[::-1]).tobytes(), quality(small)


def small_luminance(picture: Image.Image) -> NDArray[np.float64]:
    """64 x 64 points of the blurred luminance, 0 to 255."""
    if min(picture.size) < LEAST_PIXELS:
        raise ValueError("A picture needs 5 pixels in each direction for PDQ.")
    if picture.size == (SIDE, SIDE):
        return np.asarray(picture.convert("F"), np.float64)
    width, height = picture.size
    down, across = _points(height), _points(width)
    rows = np.zeros((SIDE, width), np.float32)
    # In strips: the luminance of the whole picture would take four bytes for each pixel.
    for top in range(0, height, _ROWS_AT_ONCE):
        bottom = min(top + _ROWS_AT_ONCE, height)
        strip: Floats = np.asarray(picture.crop((0, top, width, bottom)).convert("F"), np.float32)
        weights = down[:, top:bottom]
        used = np.flatnonzero(weights.any(axis=1))
        if used.size:
            reach = slice(int(used[0]), int(used[-1]) + 1)
            rows[reach] += weights[reach] @ strip
    small: NDArray[np.float64] = rows.astype(np.float64) @ across.T.astype(np.float64)
    return small


def quality(small: NDArray[np.float64]) -> int:
    """How much there is to see, 0 to 100: steps between neighbouring points, each in whole percent of the scale."""
    steps = sum(int(np.abs(np.trunc(np.diff(small, axis=axis) * 100 / 255)).sum()) for axis in (0, 1))
    return min(steps // 90, 100)


@lru_cache(maxsize=1)
def _cosines() -> NDArray[np.float64]:
    """The first 16 frequencies after the constant one, of a discrete cosine transform over 64 points."""
    frequency, point = np.arange(1, KEPT + 1)[:, None], np.arange(SIDE)[None, :]
    waves: NDArray[np.float64] = np.sqrt(2 / SIDE) * np.cos(np.pi / (2 * SIDE) * frequency * (2 * point + 1))
    return waves


@lru_cache(maxsize=16)  # a folder has few sizes; a phone's picture takes a megabyte here
def _points(length: int) -> Floats:
    """Matrix of 64 x length: what each of the 64 points takes from a line of so many pixels.

    A box filter (Jarosz), twice, whose window is cut off at both ends of the line; of that the points nearest the
    centres of 64 equal parts.
    """
    window = (length + 2 * SIDE - 1) // (2 * SIDE)
    ahead = (window + 2) // 2
    place = np.arange(length)
    start, end = np.maximum(place + ahead - window, 0), np.minimum(place + ahead, length)
    centres = ((np.arange(SIDE) + 0.5) * length / SIDE).astype(np.int64)
    taken = np.zeros((SIDE, length))
    taken[np.arange(SIDE), centres] = 1
    for _pass in range(_PASSES):
        # Each place hands its weight on to its window in equal parts. Only where windows begin and end the sum changes.
        parts = taken / (end - start)
        changes = np.zeros((SIDE, length + 1))
        for point in range(SIDE):
            changes[point] += np.bincount(start, parts[point], length + 1) - np.bincount(end, parts[point], length + 1)
        taken = changes.cumsum(axis=1)[:, :length]
    taken[np.abs(taken) < _NOTHING] = 0
    return taken.astype(np.float32)
