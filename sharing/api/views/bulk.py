"""Bulk uploads: many signals in one request, which may be sent again (floor 7)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from accounts.models import Scope
from hub.errors import Invalid, Problem
from sharing.api.ndjson import MEDIA_TYPE, Lines, source_of
from sharing.api.places import Places
from sharing.api.receiving import receive
from sharing.api.serializers.bulk import (
    KEY_PATTERN,
    LONGEST_KEY,
    BulkOut,
    BulkResultsOut,
    BulkResultsQuery,
    is_key,
)
from sharing.api.throttling import WHOLE
from sharing.api.views.base import HubView, valid_query
from sharing.signals.bulk.selectors import LineResult, bulk_upload, line_results, upload_of_key
from sharing.signals.bulk.services import MAX_LINES

_places: Final = Places(settings.BULK_AT_ONCE)
_HEADER = "Idempotency-Key"
_NO_KEY = Problem(
    f"/headers/{_HEADER}",
    "required",
    f"The header {_HEADER} is missing, or is not 1 to {LONGEST_KEY} printable ASCII characters without spaces.",
    "Make a random one for each body, a UUID for example, and send it again with the same body.",
)

_KEY = OpenApiParameter(
    _HEADER, {"type": "string", "pattern": KEY_PATTERN}, OpenApiParameter.HEADER, required=True,
    description=f"Names a body, among those of your API client. Kept for {settings.BULK_KEEP_DAYS} days.",
)  # fmt: skip


class SignalBulk(HubView):
    scopes = {"GET": Scope.WRITE_SIGNALS, "POST": Scope.WRITE_SIGNALS}

    def weight(self, request: Request) -> int:
        return WHOLE  # its lines are counted as they are read

    def least_weight(self, body_bytes: int) -> int:
        return 0

    @extend_schema(
        operation_id="find_bulk",
        summary="See how far the bulk upload of a key came, if no answer has told its id",
        parameters=[_KEY],
        responses={200: BulkOut, 404: OpenApiResponse(description="Your API client has sent no body with this key.")},
        tags=["bulk"],
    )
    def get(self, request: Request) -> Response:
        return Response(BulkOut(upload_of_key(self.actor, key_of(request))).data)

    @extend_schema(
        operation_id="submit_bulk",
        summary=f"Submit up to {MAX_LINES:,} signals, one JSON object a line",
        description="Each line is a signal as POST /signals takes it. Lines are stored in pieces while the body comes "
        "in; good ones are stored, bad ones are refused line by line, and `results` tells of each. When anything "
        "breaks, send the same body again with the same Idempotency-Key: what is stored is passed by. The body may "
        "have Content-Encoding: gzip. Each line counts for a hundredth of a request against the limit.",
        parameters=[_KEY],
        request={MEDIA_TYPE: OpenApiTypes.STR},
        responses={
            200: OpenApiResponse(BulkOut, description="Each line was dealt with."),
            409: OpenApiResponse(
                description="The key came with another body before, another request with it has begun since, or "
                "rights have changed. What was stored stays."
            ),
        },
        tags=["bulk"],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        source = source_of(request, settings.STREAMED_BODIES["/api/v1/signals/bulk"])
        try:
            key = key_of(request)
            with _places.one_for(self.actor, key, source):
                hold = receive(actor=self.actor, key=key, lines=Lines(source))
        finally:
            source.drain()
        return Response(BulkOut(bulk_upload(self.actor, hold.uuid)).data)


def key_of(request: Request) -> str:
    key = request.headers.get(_HEADER, "")
    try:
        is_key(key)
    except ValidationError:
        raise Invalid([_NO_KEY]) from None
    return key


class BulkDetail(HubView):
    scopes = {"GET": Scope.WRITE_SIGNALS}

    @extend_schema(
        operation_id="read_bulk",
        summary="See how far a bulk upload of your organisation came",
        responses=BulkOut,
        tags=["bulk"],
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        return Response(BulkOut(bulk_upload(self.actor, uuid)).data)


class BulkResults(HubView):
    scopes = {"GET": Scope.WRITE_SIGNALS}

    @extend_schema(
        operation_id="list_bulk_results",
        summary="List what became of each line of a bulk upload",
        description=f"Kept for {settings.BULK_KEEP_DAYS} days. At most five errors of a line are kept.",
        parameters=[BulkResultsQuery],
        responses=BulkResultsOut,
        tags=["bulk"],
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        query = valid_query(BulkResultsQuery, request).validated_data
        upload = bulk_upload(self.actor, uuid)
        most = query["limit"]
        rows = line_results(self.actor, upload, after=query["after"], most=most + 1, status=query.get("status", ""))
        following = None
        if len(rows) > most:
            following = replace_query_param(request.build_absolute_uri(), "after", rows[most - 1].line)
        return Response({"results": [result_out(row) for row in rows[:most]], "next": following})


def result_out(row: LineResult) -> dict[str, Any]:
    """What BulkResultOut describes, without its cost."""
    return {
        "line": row.line, "status": row.status, "id": row.id, "external_id": row.external_id, "errors": row.errors
    }  # fmt: skip
