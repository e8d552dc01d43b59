"""What comes in, before anybody looks at what it says: UTF-8, of bounded size, without files and NUL (ground)."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Final, NoReturn, Protocol, cast

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]

_BOUNDARY: Final = re.compile(r""";\s*boundary=("[^"]*"|[^\s;"]*)""", re.IGNORECASE)
_NUL: Final = "\0"
_PIECE: Final = 1 << 16
# Of a body that is sent in chunks: bytes read so far.
BODY_READ: Final = "hub.body_read"


class Unreadable(BadRequest):
    """The hub can't read a request; the text says why, to whoever sent it, and repeats nothing of it."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class HubRequest(WSGIRequest):
    """Django's request, for senders who name a charset or send a body without saying how long it is."""

    def __init__(self, environ: dict[str, Any]) -> None:
        environ["CONTENT_TYPE"] = without_charset(environ.get("CONTENT_TYPE", ""))
        chunked = _is_chunked(environ)
        most = settings.STREAMED_BODIES.get(environ.get("PATH_INFO", ""), settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        if chunked:
            # Django and its REST framework take a request without a length for one without a body.
            environ["CONTENT_LENGTH"] = str(most)
            environ[BODY_READ] = 0
        super().__init__(environ)
        if chunked:
            chunks = _Chunks(environ, most)
            self._stream = cast(BinaryIO, chunks)


class HubHandler(WSGIHandler):
    request_class = HubRequest


def without_charset(content_type: str) -> str:
    """The media type, and the boundary of a form's parts.

    Everything is UTF-8 here. Django would decode the address and the form by any codec of Python that a sender names,
    before there is anything to answer the failure with.
    """
    media_type = content_type.partition(";")[0].strip()
    boundary = _BOUNDARY.search(content_type)
    return media_type + boundary.group() if boundary else media_type


def _is_chunked(environ: dict[str, Any]) -> bool:
    # The server says so when it gives the end of the body by itself: only then may it be read without a length.
    ends_by_itself = bool(environ.get("wsgi.input_terminated"))
    return ends_by_itself and "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()


class _Chunks(io.IOBase):
    """A body whose length is known at its end. Raises RequestDataTooBig after `limit` bytes.

    BODY_READ of the environment says how much of it has been read, also of one that can't be read to its end.
    """

    def __init__(self, environ: dict[str, Any], limit: int) -> None:
        self._environ, self._limit, self._left = environ, limit, limit
        self._source: _Readable = environ["wsgi.input"]

    def read(self, size: int | None = -1, /) -> bytes:
        if self._environ["HTTP_TRANSFER_ENCODING"].strip().lower() != "chunked":
            raise Unreadable(_("The hub takes bodies in chunks, and in no other Transfer-Encoding."))
        # One more than there may be, to notice that there is more.
        wanted = self._left + 1 if size is None or size < 0 else min(size, self._left + 1)
        parts = []
        # In pieces: of one that fails nobody knows how much of it came.
        while wanted > 0 and (part := self._piece(min(wanted, _PIECE))):
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def _piece(self, size: int) -> bytes:
        try:
            data = self._source.read(size)
        except (ParseException, OSError):
            raise Unreadable(_("The body of the request broke off, or its chunks are not in order.")) from None
        self._left -= len(data)
        self._environ[BODY_READ] = self._limit - self._left
        if self._left < 0:
            raise RequestDataTooBig("The body is larger than settings.DATA_UPLOAD_MAX_MEMORY_SIZE.")
        return data


class NoFiles(FileUploadHandler):
    """Refuses a form's file at its first word. Django would write it to the disk before anybody asks who sends it."""

    def new_file(self, *_args: Any, **_more: Any) -> NoReturn:
        raise Unreadable(_("The hub takes no files: hashes are enough."))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Not reached: no file gets further than its name."""

    def file_complete(self, file_size: int) -> None:
        """Not reached."""


class NoNulMiddleware:
    """Refuses NUL in addresses, cookies and forms: PostgreSQL has no such character.

    The API has no forms, and names the field of a query or body that holds one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        _refuse_nul([request.path_info, *request.COOKIES.values()])
        if not is_api(request):
            _refuse_nul(_texts(request.GET))
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        # After the check of the form's token.
        if not is_api(request):
            _refuse_nul(_texts(request.POST))


def is_api(request: HttpRequest) -> bool:
    """Whether it brings a key: the API knows no sessions."""
    return request.path_info.startswith("/api/")


def _texts(form: QueryDict) -> Iterator[str]:
    for name, values in form.lists():
        yield name
        yield from map(str, values)


def _refuse_nul(texts: Iterable[str]) -> None:
    if any(_NUL in text for text in texts):
        raise Unreadable(_("There is a NUL character in the request."))
