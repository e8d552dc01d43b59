"""Draws the demo's pictures and near-duplicates, and hashes them as a platform would at its own edge (roof).

Every picture comes from a seed, so that the demo needs no file and a second run submits the same hashes.
"""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable
from dataclasses import dataclass

import imagehash
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

_SIZE = (480, 360)  # pixels
_SHAPES = 14


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of one picture file, which stay here, and the hashes that a member would send."""

    content: bytes

    def indicators(self) -> list[dict[str, str]]:
        """Four indicators, in the form that the API takes: near (pHash, dHash) and exact (MD5, SHA-256)."""
        with Image.open(io.BytesIO(self.content)) as image:
            near = {"phash": str(imagehash.phash(image)), "dhash": str(imagehash.dhash(image))}
        exact = {
            "md5": hashlib.md5(self.content, usedforsecurity=False).hexdigest(),
            "sha256": hashlib.sha256(self.content).hexdigest(),
        }
        return [{"type": name, "value": value} for name, value in {**near, **exact}.items()]


def scene(number: int) -> Image.Image:
    """A picture of random shapes on a gradient; another number, another picture."""
    chance = random.Random(f"scene {number}")  # noqa: S311 - a picture, not a secret
    image = Image.linear_gradient("L").rotate(chance.choice((0, 90, 180, 270))).resize(_SIZE).convert("RGB")
    tint = Image.new("RGB", _SIZE, _colour(chance))
    image = Image.blend(image, tint, 0.5)
    draw = ImageDraw.Draw(image)
    for _ in range(_SHAPES):
        x, y = chance.randrange(_SIZE[0]), chance.randrange(_SIZE[1])
        reach = chance.randrange(30, 150)
        box = (x - reach, y - chance.randrange(20, 120), x + reach, y + chance.randrange(20, 120))
        chance.choice((draw.ellipse, draw.rectangle))(box, fill=_colour(chance))
    return image


def _colour(chance: random.Random) -> tuple[int, int, int]:
    return (chance.randrange(256), chance.randrange(256), chance.randrange(256))


def _saved(image: Image.Image, quality: int) -> Picture:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Picture(file.getvalue())


def _same_file(image: Image.Image) -> Picture:
    return _saved(image, 92)


def _encoded_again(image: Image.Image) -> Picture:
    return _saved(image, 60)


def _smaller(image: Image.Image) -> Picture:
    return _saved(image.resize((_SIZE[0] * 6 // 10, _SIZE[1] * 6 // 10)), 85)


def _blurred(image: Image.Image) -> Picture:
    return _saved(image.filter(ImageFilter.GaussianBlur(1.5)), 85)


def _brighter(image: Image.Image) -> Picture:
    return _saved(ImageEnhance.Brightness(image).enhance(1.08), 85)


# What happens to a picture on its way from platform to platform.
VARIANTS: dict[str, Callable[[Image.Image], Picture]] = {
    "as drawn": _same_file,
    "encoded again": _encoded_again,
    "made smaller": _smaller,
    "blurred": _blurred,
    "brighter": _brighter,
}


def indicators(number: int, variant: str) -> list[dict[str, str]]:
    """What a member would send of a scene in one of its variants."""
    return VARIANTS[variant](scene(number)).indicators()
