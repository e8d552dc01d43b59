"""Health answers (roof), given before host checks and sign-in so that any probe can ask.

/healthz: this process answers. /readyz: it also reaches its database.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == "/healthz":
            return HttpResponse("ok\n", content_type="text/plain")
        if request.path_info == "/readyz":
            return self.ready()
        return self.get_response(request)

    @staticmethod
    def ready() -> HttpResponse:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error:
            connection.close()
            return HttpResponse("database does not answer\n", content_type="text/plain", status=503)
        finally:
            # The probe is not a request to Django's signals, which would otherwise let the connection go.
            connection.close_if_unusable_or_obsolete()
        return HttpResponse("ok\n", content_type="text/plain")
