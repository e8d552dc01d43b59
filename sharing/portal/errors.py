"""Error answers outside the API's own views: problem details below /api/, a page elsewhere (floor 7)."""

from __future__ import annotations

import sys
from typing import Final

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from hub.incoming import Unreadable, is_api

# The same as in sharing/api/problems.py, which lies beside this floor and not below it.
RETRY_SECONDS: Final = 2


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    why = str(exception) if isinstance(exception, Unreadable) else _("The hub could not read this request.")
    return page(request, 400, why)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, 403, _("You are not allowed to do this."))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, 404, _("There is nothing here that you can see."))


def failed(request: HttpRequest) -> HttpResponse:
    # Django calls this while it handles the error, and does not say which. No middleware could do this: the database is
    # first missed by other middleware, which reads the session.
    if isinstance(sys.exception(), OperationalError):
        answer = page(request, 503, _("The hub can't answer at the moment."))
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
        return answer
    return page(request, 500, _("The hub failed. What went wrong has been logged."))


def page(request: HttpRequest, status: int, message: str) -> HttpResponse:
    """The answer with this status. The page asks neither the database nor who is signed in: both may be what failed."""
    if is_api(request):
        # The shape of sharing/api/problems.py, which lies beside this floor and not below it.
        body = {"type": "about:blank", "title": message, "status": status, "detail": message, "errors": []}
        return JsonResponse(body, status=status, content_type="application/problem+json")
    return render(request, "portal/error.html", {"status": status, "message": message}, status=status)
