"""Exact hashes of files. Ground floor."""

from __future__ import annotations

import hashlib

from .contract import gettext_noop as _
from .hexadecimal import SHA256_OF_NOTHING, HexHash


class Md5(HexHash):
    """MD5 of a file's bytes (RFC 1321). Kept because older hash lists hold nothing else."""

    name = "md5"
    title = _("MD5 of a file")
    description = _("MD5 of all bytes of a file, 32 hexadecimal digits. Matches the same file only.")
    example = "9e107d9d372bb6826bd81d3542a419d6"
    size = 16
    of_nothing = hashlib.md5(usedforsecurity=False).digest()
    mend = _("Send the 32 hexadecimal digits of the MD5.")


class Sha1(HexHash):
    """SHA-1 of a file's bytes (FIPS 180-4)."""

    name = "sha1"
    title = _("SHA-1 of a file")
    description = _("SHA-1 of all bytes of a file, 40 hexadecimal digits. Matches the same file only.")
    example = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"
    size = 20
    of_nothing = hashlib.sha1(usedforsecurity=False).digest()
    mend = _("Send the 40 hexadecimal digits of the SHA-1.")


class Sha256(HexHash):
    """SHA-256 of a file's bytes (FIPS 180-4)."""

    name = "sha256"
    title = _("SHA-256 of a file")
    description = _("SHA-256 of all bytes of a file, 64 hexadecimal digits. Matches the same file only.")
    example = "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592"
    size = 32
    of_nothing = SHA256_OF_NOTHING
    mend = _("Send the 64 hexadecimal digits of the SHA-256.")
