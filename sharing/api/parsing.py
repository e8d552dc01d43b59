"""JSON in, of bounded size, and JSON out (floor 7)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import IO, Any, Final

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

_PLAIN: Final = frozenset({"*/*", "application/json"})
_FORMAT: Final = "format"


class JSONNegotiation(DefaultContentNegotiation):
    """What programs send as Accept is answered without weighing media types against each other."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderers = list(renderers)
        if request.headers.get("Accept", "*/*") in _PLAIN and _FORMAT not in request.query_params:
            return renderers[0], renderers[0].media_type
        chosen: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
        return chosen


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"

    def __init__(self) -> None:
        megabytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20
        super().__init__(f"A request holds at most {megabytes} MB. Split it.")


class BoundedJSONParser(JSONParser):
    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge
        try:
            return super().parse(io.BytesIO(body), media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deep.") from None
        except ParseError:
            # The parser's own text may quote the body.
            raise ParseError("The body is not valid JSON in UTF-8.") from None
