"""Reading an answer up to a limit: whatever answers there must not fill the memory of who asks."""

from __future__ import annotations

import zlib
from typing import Final

import httpx

from .errors import UnexpectedAnswer

# The feed's pages are the longest: 5,000 signals are a few megabytes, and 150 if each has all that a signal may hold.
MOST_BYTES: Final = 256 * 2**20
MOST_BYTES_OF_ERROR: Final = 2**20
# The only packing that is asked for and unpacked: here, because httpx unpacks without a limit.
ACCEPTED: Final = "gzip"
_GZIP: Final = 31  # zlib's number for the largest window, in gzip's form
_CHECK: Final = "Check the address; is this client as new as the hub?"


class Body:
    """The body of one answer: `add` its pieces as they come over the wire. Raises UnexpectedAnswer."""

    def __init__(self, response: httpx.Response) -> None:
        coding = response.headers.get("Content-Encoding", "").strip().lower()
        if coding not in ("", "identity", ACCEPTED):
            raise UnexpectedAnswer("The answer is packed in a way that was not asked for.", _CHECK)
        self._most = MOST_BYTES if response.is_success else MOST_BYTES_OF_ERROR
        self._unpack = zlib.decompressobj(_GZIP) if coding == ACCEPTED else None
        self._packed = self._size = 0
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        self._packed += len(piece)  # counted too, for what is packed may unpack to nothing
        if self._unpack is not None:
            piece = self._unpacked(self._unpack, piece)
        self._size += len(piece)
        if max(self._packed, self._size) > self._most:
            raise UnexpectedAnswer(f"The answer is longer than {self._most >> 20} MB.", _CHECK)
        self._pieces.append(piece)

    def whole(self) -> bytes:
        """All of it, at its end."""
        if self._unpack is not None and self._packed and not self._unpack.eof:
            raise UnexpectedAnswer("The answer is cut off.", "Try again.")
        return b"".join(self._pieces)

    def _unpacked(self, unpack: zlib._Decompress, piece: bytes) -> bytes:
        try:
            return unpack.decompress(piece, self._most - self._size + 1)
        except zlib.error:
            raise UnexpectedAnswer("The answer says that it is packed with gzip, and is not.", _CHECK) from None


def read_whole(response: httpx.Response) -> bytes:
    """The body of an answer that is not asynchronous. Raises UnexpectedAnswer."""
    body = Body(response)
    for piece in response.iter_raw():
        body.add(piece)
    return body.whole()
