"""The feed of changes (floor 7)."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.models import Scope
from sharing.api.compression import accepts_gzip, gzipped
from sharing.api.serializers.feed import USUAL, FeedOut, FeedQuery, feed_pieces
from sharing.api.throttling import WHOLE
from sharing.api.views.base import HubView, valid_query
from sharing.feeds.services import read_feed

_ENTRIES: Final = 100  # that count for one request
_LIMIT: Final = FeedQuery().fields["limit"]


class Feed(HubView):
    scopes = {"GET": Scope.READ_SIGNALS}

    def weight(self, request: Request) -> int:
        """By what was asked for, as it will be read; what is no such number is refused and counts as any request."""
        try:
            entries: int = _LIMIT.run_validation(request.query_params.get("limit", USUAL))
        except ValidationError:
            return WHOLE
        return WHOLE * -(-entries // _ENTRIES)

    @extend_schema(
        operation_id="read_feed",
        summary="Read what changed since a cursor: keep a copy of all that you can see",
        description="Signals in the order in which they changed, and those to forget. Without a cursor all of them. "
        "Never signals about victims or with TLP:RED. Apply the entries in their order, then store the cursor. Drop a "
        "signal by yourself at its `expires_at`.",
        parameters=[
            FeedQuery,
            OpenApiParameter(
                "If-None-Match", OpenApiTypes.STR, "header", description="The ETag of an answer without entries."
            ),
        ],
        responses={
            200: FeedOut,
            304: OpenApiResponse(description="Nothing new since the cursor."),
            410: OpenApiResponse(description="The cursor is too old or of another database: begin anew without one."),
        },
        tags=["signals"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        query = valid_query(FeedQuery, request).validated_data
        page = read_feed(actor=self.actor, **{"types": (), **query})
        # Only of an answer without entries: that of others may be another one with the same cursor. Weak, because it is
        # sent with and without compression.
        etag = None if page.entries or page.more else f'W/"{page.cursor}"'
        if etag and etag in parse_etags(request.headers.get("If-None-Match", "")):
            return HttpResponse(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag})
        pieces = feed_pieces(page, self.actor.organisation_id)
        compressed = accepts_gzip(request)
        body = gzipped(pieces) if compressed else b"".join(pieces)
        response = HttpResponse(body, content_type="application/json")
        patch_vary_headers(response, ["Accept-Encoding"])
        if compressed:
            response.headers["Content-Encoding"] = "gzip"
        if etag:
            response.headers["ETag"] = etag
        return response
