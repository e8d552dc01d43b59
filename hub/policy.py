"""The content policy of what is answered (roof)."""

from __future__ import annotations

from typing import Final

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# JSON needs no source at all; the policy of a page would be put together anew for each of a thousand answers a second.
_OF_DATA: Final = "default-src 'none'; frame-ancestors 'none'"


class ContentPolicyMiddleware(CSPMiddleware):
    """Pages get the policy of the settings, answers in JSON the strictest one."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.headers.get("Content-Type", "").startswith(("application/json", "application/problem+json")):
            response.headers[HEADER] = _OF_DATA
            return response
        final: HttpResponseBase = super().process_response(request, response)
        return final
