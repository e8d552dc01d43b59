"""Pictures read for hashing: every mode of Pillow becomes the pixels that a person sees, on a white page.

- Rotated as their EXIF orientation says. Platforms apply it when they store a picture anew and drop the note, so a copy
  looks like the original only when both are hashed as they are shown.
- What is transparent lies on white: the colour under it is arbitrary, and nobody sees it.
- Of an animation, the first picture.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from hub_client.errors import UnreadableFile

# Three bytes a pixel, and a copy or two of it.
MOST_PIXELS: Final = 89_478_485
# EPS, for example, would start a program, and WMF a system library.
FORMATS: Final = (
    "JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "DIB", "TIFF", "MPO", "JPEG2000", "PPM", "TGA", "ICO", "PCX", "SGI",
    "QOI", "DDS",
)  # fmt: skip
_BROKEN_EXIF: Final = (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error, ArithmeticError)
# What Pillow's decoders raise on damaged files. They have no common base, and one bad file must be named instead of
# ending the run over a folder. NotImplementedError comes from Pillow too, for kinds of DDS that it can't read.
_DAMAGED: Final = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, struct.error, ArithmeticError,
    NotImplementedError,
)  # fmt: skip
_WIDE: Final = 65_535  # the brightest of 16 bits


def read_picture(path: str | os.PathLike[str], most_pixels: int = MOST_PIXELS) -> Image.Image | None:
    """The picture as it is shown, in mode RGB or L; None for a file that is no picture.

    Raises UnreadableFile, which names the file, for a damaged picture and for one of more than `most_pixels`.
    """
    try:
        with Path(path).open("rb") as file, Image.open(file, formats=_known_formats()) as picture:
            _refuse_bomb(path, picture, most_pixels)
            picture.load()
            return as_shown(picture)
    except UnidentifiedImageError:
        if Path(path).suffix.lower() in _extensions():
            raise UnreadableFile(
                path, "This is no picture, although its name says so.", "Check that it was saved whole."
            ) from None
        return None
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    except UnreadableFile:
        raise
    except FileNotFoundError:
        raise UnreadableFile(path, "There is no such file.", "Check the name.") from None
    except PermissionError:
        raise UnreadableFile(path, "You may not read this file.", "Ask for the right to read it.") from None
    except MemoryError:
        raise UnreadableFile(path, "There is not enough memory for this picture.", "Hash it alone.") from None
    except _DAMAGED:
        raise UnreadableFile(path, "The picture is damaged or cut off.", "Get the file again, whole.") from None


def _refuse_bomb(path: str | os.PathLike[str], picture: Image.Image, most_pixels: int) -> None:
    if picture.width * picture.height > most_pixels:
        raise _too_large(path)


def _too_large(path: str | os.PathLike[str]) -> UnreadableFile:
    message = "The picture has more pixels than are read: unpacked, it could fill the memory."
    return UnreadableFile(path, message, "If it is genuine, make it smaller first, or raise the limit (most_pixels).")


def as_shown(picture: Image.Image) -> Image.Image:
    """The pixels that a person sees, in mode RGB or L. Raises ValueError for colours that can't be told."""
    return _on_white(_rotated(picture))


def _rotated(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except _BROKEN_EXIF:
        return picture  # a note that can't be read is none


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return _eight_bits(picture)
    if picture.mode in ("RGBa", "La"):
        picture = picture.convert(picture.mode[:-1] + "A")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        page = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(page, picture).convert("RGB")
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Grey values in a wider scale: 0 to 1, 0 to 255 or 0 to 65,535 as they fit, otherwise lowest to highest."""
    values = np.asarray(picture, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("Some pixels have no value.")
    low, high = float(values.min()), float(values.max())
    if picture.mode == "F":
        least, most = _scale(low, high, (1.0, 255.0, float(_WIDE)))
    else:
        least, most = _scale(low, high, (float(_WIDE),))
    grey = np.clip(np.rint((values - least) * 255 / (most - least)), 0, 255).astype(np.uint8)
    return Image.fromarray(grey)


def _scale(low: float, high: float, scales: tuple[float, ...]) -> tuple[float, float]:
    for most in scales:
        if low >= 0 and high <= most:
            return 0.0, most
    return low, high if high > low else low + 1


def _known_formats() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _extensions() -> set[str]:
    return {extension for extension, name in Image.registered_extensions().items() if name in FORMATS}
