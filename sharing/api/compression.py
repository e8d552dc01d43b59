"""Compressed answers whose length tells nothing of what other members wrote (floor 7).

Compression looks for repetitions. Where an eavesdropper can have a text of its own compressed together with a secret
one, the length of the answer tells it when the two have something in common (BREACH). In an answer with signals of many
members each of them could be that eavesdropper. So every piece is compressed for itself: after it the compressor
forgets what it has seen (Z_FULL_FLUSH), and the length is a sum of lengths of which each depends on one piece alone.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from typing import Final

from rest_framework.request import Request

_GZIP: Final = 31  # zlib's number for the largest window, in gzip's form
_LEVEL: Final = 6
_WANTED: Final = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")


def accepts_gzip(request: Request) -> bool:
    return _WANTED.search(request.headers.get("Accept-Encoding", "")) is not None


def gzipped(pieces: Iterable[bytes]) -> bytes:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    parts: list[bytes] = []
    for piece in pieces:
        parts += (compressor.compress(piece), compressor.flush(zlib.Z_FULL_FLUSH))
    return b"".join([*parts, compressor.flush()])
