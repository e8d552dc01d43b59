"""Made-up videos for tests: random frames, far from each other as frames of different scenes are."""

from __future__ import annotations

import random
from typing import Any


def picture(dice: random.Random) -> str:
    """A random PDQ hash; two of them differ in about 128 bits."""
    return f"{dice.getrandbits(256):064x}"


def flipped(dice: random.Random, pdq: str, bits: int) -> str:
    """The hash with so many random bits turned over, as a copy of lower quality has them."""
    value = int(pdq, 16)
    for bit in dice.sample(range(256), bits):
        value ^= 1 << bit
    return f"{value:064x}"


def frames_of(pictures: list[str], *, quality: int = 90) -> list[dict[str, Any]]:
    """One frame a second."""
    return [{"hash": pdq, "quality": quality, "timestamp": float(at)} for at, pdq in enumerate(pictures)]


def video(dice: random.Random, frames: int) -> list[dict[str, Any]]:
    return frames_of([picture(dice) for _ in range(frames)])
