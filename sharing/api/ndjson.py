"""A body of one JSON value a line, read as it comes in (floor 7). It is never in memory as a whole."""

from __future__ import annotations

import hashlib
import socket
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any, Final

from django.core.exceptions import BadRequest, RequestDataTooBig
from django.http import UnreadablePostError
from rest_framework import status
from rest_framework.exceptions import APIException

from hub.errors import Problem
from sharing.api.parsing import TooLarge, decode

MEDIA_TYPE: Final = "application/x-ndjson"
# Of one line, in bytes: room for a video with all its frames.
LONGEST: Final = 2_500_000
_PIECE: Final = 1 << 17
_GZIP: Final = 31  # zlib's number for the largest window, in gzip's form
# Of a gzip file. Those who pack block by block need 8,000 for the longest body; empty ones are work without an end.
_MEMBERS: Final = 20_000
# For one piece. A sender that takes longer, or a dead connection, would hold a thread of this process for ever.
_PIECE_SECONDS: Final = 60.0
# What is still under way when an answer is ready is read for so many seconds: who sends without looking up would
# otherwise never see the answer.
_DRAINED_SECONDS: Final = 3.0
_NO_JSON: Final = Problem("", "not_json", "This line is no JSON in UTF-8.", "Write one JSON object in each line.")
_EMPTY: Final = Problem("", "empty_line", "This line is empty.", "Leave empty lines out.")
_TOO_LONG: Final = Problem(
    "", "line_too_long", f"A line has at most {LONGEST} bytes.", "Submit this signal in parts, or by itself."
)


class NotLines(APIException):
    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE
    default_code = "unsupported_media_type"


class TooLong(bytes):
    """Stands for a line that is longer than it may be, of which only a digest was kept."""


class Source:
    """The body of a request, unpacked, of bounded size. `cut` is set when it broke off before its end, or came too
    slowly; `taken_over` when another request has ended it."""

    def __init__(
        self,
        read: Callable[[int], bytes],
        *,
        length: int | None,
        gzipped: bool,
        most: int,
        socket: socket.socket | None = None,
    ) -> None:
        self._read, self._length, self._most, self._left = read, length, most, most
        self._socket = socket
        self._taken = 0
        self._unpack = zlib.decompressobj(_GZIP) if gzipped else None
        self._members = 0
        self._ended = False
        self.cut = self.taken_over = False

    def read(self) -> bytes:
        """Some bytes; none at the end. Raises TooLarge."""
        data = self._raw() if self._unpack is None else self._unpacked()
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge.in_bytes(self._most)
        return data

    def _raw(self) -> bytes:
        if self._ended:
            self.cut = True
            return b""
        try:
            with self._for_at_most(_PIECE_SECONDS):
                data = self._read(_PIECE)
        except (UnreadablePostError, BadRequest, OSError):
            self.cut = True
            return b""
        self._taken += len(data)
        if not data and self._length is not None and self._taken < self._length:
            self.cut = True
        return data

    @contextmanager
    def _for_at_most(self, seconds: float) -> Iterator[None]:
        """A clock of its own: the server waits for a whole piece, and so for each byte of it anew."""
        if self._socket is None:
            yield
            return
        clock = Timer(seconds, self._end)
        clock.daemon = True
        clock.start()
        try:
            yield
        finally:
            clock.cancel()

    def take_over(self) -> None:
        """End the body here, for another request that sends it again. Called from that one's thread."""
        self.taken_over = True
        self._end()

    def _end(self) -> None:
        self._ended = True
        if self._socket is not None:
            with suppress(OSError):  # closed meanwhile
                self._socket.shutdown(socket.SHUT_RD)

    def _unpacked(self) -> bytes:
        """A gzip file may have several members, one after the other."""
        unpack = self._unpack
        assert unpack is not None
        try:
            while True:
                packed = unpack.unconsumed_tail or unpack.unused_data or self._raw()
                if unpack.eof and packed:
                    self._members += 1
                    if self._members == _MEMBERS:
                        raise zlib.error("too many members")
                    self._unpack = unpack = zlib.decompressobj(_GZIP)
                if not packed:
                    self.cut = self.cut or not unpack.eof
                    return b""
                # Never more than a piece at once: a few bytes may stand for gigabytes.
                if data := unpack.decompress(packed, _PIECE):
                    return data
        except zlib.error:
            self.cut = True
        return b""

    def drain(self) -> None:
        """Read on and forget it. Who sends nothing more is not waited for."""
        with suppress(RequestDataTooBig), self._for_at_most(_DRAINED_SECONDS):
            while self._raw():
                pass


class Lines:
    """The lines of a source, without their ends."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._partial = b""
        self._ready: list[bytes] = []
        self._next = 0
        self._at_end = False

    @property
    def cut(self) -> bool:
        return self._source.cut

    @property
    def taken_over(self) -> bool:
        return self._source.taken_over

    @property
    def ended(self) -> bool:
        """Every line was taken, so far as is known without reading on."""
        return self._at_end and self._next == len(self._ready)

    def take(self, most: int, most_bytes: int | None = None) -> list[bytes]:
        """The next lines: so many, or fewer when they have more bytes than that; none at the end."""
        taken: list[bytes] = []
        size = 0
        while len(taken) < most and (most_bytes is None or size < most_bytes):
            if self._next == len(self._ready) and not self._fill():
                break
            line = self._ready[self._next]
            self._next += 1
            size += len(line)
            taken.append(line)
        return taken

    def _fill(self) -> bool:
        """Have at least one more line ready; False at the end."""
        self._ready, self._next = [], 0
        while not self._ready and not self._at_end:
            data = self._source.read()
            if not data:
                self._at_end = True
                # Of a body that broke off the last line may be a part of one.
                self._ready = [self._partial] if self._partial and not self.cut else []
                self._partial = b""
            elif b"\n" in data:
                *self._ready, self._partial = (self._partial + data).split(b"\n")
                self._ready = [line if len(line) <= LONGEST else _marked(line) for line in self._ready]
            else:
                self._partial += data
            if len(self._partial) > LONGEST:
                self._pass_over()
        return bool(self._ready)

    def _pass_over(self) -> None:
        """The rest of a line that is too long is not kept."""
        digest, self._partial = hashlib.sha256(self._partial), b""
        while data := self._source.read():
            head, end, rest = data.partition(b"\n")
            digest.update(head)
            if end:
                *more, self._partial = rest.split(b"\n")
                self._ready += [TooLong(digest.digest()), *more]
                return
        self._at_end = True
        if not self.cut:
            self._ready.append(TooLong(digest.digest()))


def _marked(line: bytes) -> TooLong:
    return TooLong(hashlib.sha256(line).digest())


def digest_of(lines: Iterable[bytes]) -> bytes:
    """Of the lines with their ends between them, without putting them together: they may be long."""
    digest = hashlib.sha256()
    for number, line in enumerate(lines):
        digest.update(b"\n" if number else b"")
        digest.update(line)
    return digest.digest()


def value_of(line: bytes) -> Any:
    """What a line says, or the problem that it says nothing."""
    if isinstance(line, TooLong):
        return _TOO_LONG
    try:
        return decode(line.decode())
    except (ValueError, RecursionError):  # no UTF-8, no JSON, a number of thousands of digits, nested too deep
        return _EMPTY if not line.strip() else _NO_JSON


def source_of(request: Any, most: int) -> Source:
    """The body of a request that says that it is NDJSON. Raises NotLines and TooLarge."""
    if request.content_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise NotLines(f"Send lines of JSON, with Content-Type: {MEDIA_TYPE}.")
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise NotLines("Send the lines as they are, or with Content-Encoding: gzip.")
    chunked = "Transfer-Encoding" in request.headers
    length = None if chunked else int(request.META.get("CONTENT_LENGTH") or 0)
    if length is not None and length > most:
        raise TooLarge.in_bytes(most)
    stream = request.stream
    read = stream.read if stream is not None else lambda _size: b""
    socket = request.META.get("gunicorn.socket")
    return Source(read, length=length, gzipped=encoding == "gzip", most=most, socket=socket)
