"""Errors as problem details, RFC 9457 (floor 7). The one mapping from the domain's errors to HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from hub.errors import Conflict, Gone, HubError, Invalid, NotFound, NotPermitted, Problem, UsedUp

CONTENT_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 2
# Problems named in one answer, and of one row or item where an answer has thousands of rows.
MOST: Final = 100
MOST_OF_A_ROW: Final = 20
_STATUS: Final[dict[type[HubError], int]] = {
    Invalid: 400,
    NotPermitted: 403,
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    UsedUp: 429,
}
_FRAMEWORK: Final[dict[type[Exception], int]] = {Http404: 404, PermissionDenied: 403, RequestDataTooBig: 413}
# The framework's own words repeat what was sent.
_SAID: Final[dict[type[Exception], str]] = {
    exceptions.MethodNotAllowed: "This address does not take this method. The header Allow names those that it takes.",
    exceptions.NotAuthenticated: "No key was sent. Write: Authorization: Bearer hub_…",
    exceptions.UnsupportedMediaType: "Send JSON, with Content-Type: application/json.",
}
# How to mend what the framework's own checks find; they say only what is wrong.
_MENDS: Final = {
    "required": "Add this field.",
    "null": "Send a value, or leave the field out.",
    "blank": "Send a text that is not empty, or leave the field out.",
    "empty": "Send at least one entry.",
    "not_a_list": "Send a list: [ ... ].",
    "max_length": "Make it shorter.",
    "min_length": "Add to it.",
    "max_value": "Send a smaller number.",
    "min_value": "Send a greater number.",
    "null_characters_not_allowed": "Take the NUL characters out.",
    "surrogate_characters_not_allowed": "Send the text as valid UTF-8.",
}
_MEND: Final = "GET /api/v1/schema gives the form of this field."
_TITLES: Final = {
    400: "The request has problems",
    401: "A valid API key is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Only JSON can be sent back",
    409: "Not possible in the present state",
    410: "Kept no more",
    413: "Too large",
    415: "Only JSON is understood",
    429: "Too many requests",
    500: "The hub failed",
    503: "The hub is not ready",
}


def problem_response(
    status: int, detail: str = "", problems: Iterable[Problem] = (), headers: dict[str, str] | None = None
) -> Response:
    return Response(problem_body(status, detail, problems), status=status, headers=headers, content_type=CONTENT_TYPE)


def problem_body(status: int, detail: str = "", problems: Iterable[Problem] = ()) -> dict[str, Any]:
    title = _TITLES.get(status, "Error")
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail or title,
        "errors": [problem_out(problem) for problem in shortened(list(problems), MOST)],
    }


def problem_out(problem: Problem) -> dict[str, str]:
    return {"path": problem.path, "code": problem.code, "message": problem.message, "mend": problem.mend}


def problems_of_a_row(problems: Sequence[Problem], path: str) -> list[dict[str, str]]:
    """The problems of one row of many, seen from the whole body."""
    return [problem_out(problem.below(path)) for problem in shortened(problems, MOST_OF_A_ROW)]


def shortened(problems: Sequence[Problem], most: int) -> Sequence[Problem]:
    """At most so many, and how many there are besides: an answer must not be a hundred times what was sent."""
    if len(problems) <= most:
        return problems
    message = f"There are {len(problems) - most} further problems."
    more = Problem("", "more_problems", message, "Mend what is named, and send it again.")
    return [*problems[:most], more]


def to_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None lets a defect through to Django, which logs it and answers 500."""
    if isinstance(error, HubError):
        problems = error.problems if isinstance(error, Invalid) else []
        return problem_response(_STATUS[type(error)], error.message, problems, headers=_headers(error))
    for kind, status in _FRAMEWORK.items():
        if isinstance(error, kind):
            return problem_response(status)
    if isinstance(error, exceptions.ValidationError):
        return problem_response(400, Invalid.default_message, flattened(error.detail))
    if isinstance(error, exceptions.APIException):
        return problem_response(error.status_code, _SAID.get(type(error)) or str(error.detail), headers=_headers(error))
    if isinstance(error, OperationalError):
        # The database is away, or chose this request to break a dead-lock. Nothing was stored.
        return problem_response(503, "Try again in a moment.", headers={"Retry-After": str(RETRY_SECONDS)})
    return None


def _headers(error: exceptions.APIException | HubError) -> dict[str, str]:
    headers = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if isinstance(error, UsedUp):
        headers["Retry-After"] = str(error.retry_after)
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    return headers


def flattened(detail: Any, path: str = "") -> list[Problem]:
    """DRF's nested error detail as problems with JSON pointers."""
    return list(_walk(detail, path))


def _walk(detail: Any, path: str) -> Iterator[Problem]:
    if isinstance(detail, dict):
        for key, value in detail.items():
            step = "" if key == "non_field_errors" else f"/{_escaped(str(key))}"
            yield from _walk(value, path + step)
    elif isinstance(detail, list):
        for position, value in enumerate(detail):
            # A list of messages stands for its own path; a list of dicts is one for each element that was sent.
            yield from _walk(value, f"{path}/{position}" if isinstance(value, dict | list) else path)
    else:
        message, _, mend = str(detail).partition("\n")
        code = getattr(detail, "code", "invalid")
        yield Problem(path, code, message, mend or _MENDS.get(code, _MEND))


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
