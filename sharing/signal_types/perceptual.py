"""Perceptual hashes of pictures, compared by Hamming distance. Ground floor."""

from __future__ import annotations

from .contract import NearRule
from .contract import gettext_noop as _
from .hexadecimal import HexHash


class Pdq(HexHash):
    """PDQ, 256 bits ("The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019)."""

    name = "pdq"
    title = _("PDQ picture hash")
    description = _(
        "Perceptual hash of a picture, 256 bits in 64 hexadecimal digits. Two pictures match when their "
        "hashes differ in at most 31 bits, unless the hub has set fewer."
    )
    example = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
    size = 32
    near = NearRule(bits=256, default_threshold=31, max_threshold=31)
    mend = _("Send the 64 hexadecimal digits of the PDQ hash.")


class PHash(HexHash):
    """pHash by discrete cosine transform, 64 bits, as `str(imagehash.phash(picture))` writes it."""

    name = "phash"
    title = _("pHash picture hash")
    description = _(
        "Perceptual hash of a picture by discrete cosine transform, 64 bits in 16 hexadecimal digits, as the "
        "library imagehash writes it. Two pictures match when their hashes differ in at most 8 bits, unless the hub "
        "has set fewer."
    )
    example = "d1d1b0e2c7a43b5a"
    size = 8
    near = NearRule(bits=64, default_threshold=8, max_threshold=8)
    mend = _("Send the 16 hexadecimal digits of the pHash, as imagehash writes it for hash_size 8.")


class DHash(HexHash):
    """dHash by horizontal gradient, 64 bits, as `str(imagehash.dhash(picture))` writes it."""

    name = "dhash"
    title = _("dHash picture hash")
    description = _(
        "Perceptual hash of a picture by horizontal gradient, 64 bits in 16 hexadecimal digits, as the "
        "library imagehash writes it. Two pictures match when their hashes differ in at most 8 bits, unless the hub "
        "has set fewer."
    )
    example = "7c6cece4e8d2d2e4"
    size = 8
    near = NearRule(bits=64, default_threshold=8, max_threshold=8)
    mend = _("Send the 16 hexadecimal digits of the dHash, as imagehash writes it for hash_size 8.")
