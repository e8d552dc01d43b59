"""The OpenAPI document: every error that an endpoint can answer is declared (floor 7)."""

from __future__ import annotations

from typing import Any, Final

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.urls import reverse
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from sharing.api.problems import CONTENT_TYPE

# Status -> (description, asked of the operation: None is always)
_ALWAYS: Final = {
    "400": "The request has problems; each is named.",
    "405": "The endpoint has no such method.",
    "406": "Only JSON can be sent back.",
    "429": "Too many requests; wait as long as Retry-After says.",
    "503": "The hub is not ready; try again after Retry-After.",
}
_WITH_KEY: Final = {
    "401": "No valid API key was sent.",
    "403": "The key's scopes or the ownership do not allow this.",
}
_CHANGING: Final = {"409": "Not possible in the present state."}
_WITH_BODY: Final = {
    "413": "The body is too large.",
    "415": "Only JSON is understood.",
}
_ON_ONE_THING: Final = {"404": "Absent, or hidden from you: the two look the same."}
_PROBLEM: Final = {
    "type": "object",
    "description": "Problem details, RFC 9457.",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemOut"}},
    },
}
_METHODS: Final = ("get", "post", "patch", "put", "delete")


def declare_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's post-processing hook: adds the problem responses to each operation."""
    result["components"]["schemas"]["Problem"] = _PROBLEM
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                for status, description in _errors_of(path, method, operation).items():
                    operation["responses"][status] = _response(status, description)
    return result


def _errors_of(path: str, method: str, operation: dict[str, Any]) -> dict[str, str]:
    errors = dict(_ALWAYS)
    if operation.get("security"):
        errors |= _WITH_KEY
    if method != "get":
        errors |= _CHANGING
    if "requestBody" in operation:
        errors |= _WITH_BODY
    if "{" in path:
        errors |= _ON_ONE_THING
    # What an endpoint declares besides these has a description and no form yet.
    errors |= {
        status: declared["description"]
        for status, declared in operation["responses"].items()
        if status >= "400" and status not in errors
    }
    return errors


def _response(status: str, description: str) -> dict[str, Any]:
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    response: dict[str, Any] = {"description": description, "content": content}
    if status in ("429", "503"):
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return response


class Index(APIView):
    """Where to begin: nothing here needs a key, and nothing is told that the document does not tell."""

    authentication_classes = ()
    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        about = settings.SPECTACULAR_SETTINGS
        body = {"name": about["TITLE"], "version": about["VERSION"]}
        begin = {"documentation": "api:docs", "openapi": "api:schema", "whoami": "api:whoami"}
        return Response(body | {what: reverse(name) for what, name in begin.items()})


class SchemaView(SpectacularAPIView):
    """The document itself, always as JSON."""

    renderer_classes = [JSONRenderer]

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return response


# The viewer sets styles from its script; scripts themselves stay under the strict policy.
@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class DocsView(SpectacularSwaggerSplitView):
    """The document for a reader, with nothing fetched from elsewhere."""
