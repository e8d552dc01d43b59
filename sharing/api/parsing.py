"""JSON in, of bounded size, and JSON out (floor 7)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import IO, Any, Final, NoReturn

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

_PLAIN: Final = frozenset({"*/*", "application/json"})
_FORMAT: Final = "format"
# Levels of lists and objects. A batch needs seven: body, rows, row, indicators, indicator, frames, frame.
DEEPEST: Final = 20
# Commas and opening brackets in a body, those of texts among them. 32 MB of videos' frames have 1.3 million; of 32 MB
# of "{}," Python would make a gigabyte.
MOST_PARTS: Final = 1_500_000
_TOO_DEEP: Final = f"The JSON is nested too deep: more than {DEEPEST} levels."
_NO_JSON: Final = "The body is not valid JSON in UTF-8."
_COMPRESSED: Final = "The body is not valid JSON in UTF-8. Send it as it is, without a Content-Encoding."


class Repeating(dict[str, Any]):
    """An object that has a name twice. Its last value stands here, but which one was meant, nobody can tell."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counted = Counter(name for name, _value in pairs)
        self.repeated = [name for name, times in counted.items() if times > 1]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeating(pairs)


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("JSON knows no NaN and no infinity.")


# JSON of a body or a line, from text. Raises ValueError, and RecursionError where it is nested too deep for Python.
decode: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse).decode


class JSONNegotiation(DefaultContentNegotiation):
    """What programs send as Accept is answered without weighing media types against each other."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderers = list(renderers)
        if request.META.get("HTTP_ACCEPT", "*/*") in _PLAIN and _FORMAT not in request.query_params:
            return renderers[0], renderers[0].media_type
        chosen: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
        return chosen


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"

    def __init__(self, most: str) -> None:
        super().__init__(f"A request holds at most {most}. Split it.")

    @classmethod
    def in_bytes(cls, most: int) -> TooLarge:
        return cls(f"{most // 2**20} MB")


class BoundedJSONParser(JSONParser):
    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge.in_bytes(limit)
        brackets = body.count(b"[") + body.count(b"{")
        if brackets + body.count(b",") > MOST_PARTS:
            raise TooLarge(f"{MOST_PARTS:,} commas and opening brackets")
        try:
            parsed = decode(body.decode())
        except RecursionError:
            raise ParseError(_TOO_DEEP) from None
        except ValueError:  # no UTF-8, no JSON, a number of thousands of digits; its text may quote the body
            raise ParseError(_COMPRESSED if _is_encoded(parser_context) else _NO_JSON) from None
        # Whoever opens no more brackets than that needs no closer look.
        if brackets > DEEPEST and _is_deeper(parsed, DEEPEST):
            raise ParseError(_TOO_DEEP)
        return parsed


def _is_encoded(context: Mapping[str, Any] | None) -> bool:
    request: Request | None = (context or {}).get("request")
    return request is not None and request.headers.get("Content-Encoding", "identity") != "identity"


def _is_deeper(body: Any, levels: int) -> bool:
    """Whether lists and objects lie deeper in each other than so many levels. Step by step: what is too deep for
    Python to read is too deep for it to walk."""
    inside = [body]
    for _level in range(levels - 1):
        inside = [part for whole in inside for part in _parts(whole)]
    return any(map(_parts, inside))


def _parts(whole: Any) -> list[Any]:
    """The lists and objects right in a list or object."""
    if not isinstance(whole, list | dict):
        return []
    return [part for part in (whole.values() if isinstance(whole, dict) else whole) if isinstance(part, list | dict)]
