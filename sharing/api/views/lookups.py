"""Look-ups: does the hub know this? (floor 7)"""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from accounts.models import Scope
from sharing.api.serializers.lookups import (
    LookupIn,
    LookupOut,
    LookupSchema,
    RangeOut,
    RangeQuery,
    answers_out,
    item_weight,
    least_weight,
    read_item,
    suffix_out,
    unread_items,
)
from sharing.api.throttling import WHOLE
from sharing.api.views.base import HubView, valid_body, valid_query
from sharing.matching.lookups import look_up
from sharing.matching.ranges import PREFIX, TYPES, suffixes

_EXAMPLE = OpenApiExample(
    "A picture and a file",
    request_only=True,
    value={
        "items": [
            {"type": "phash", "value": "d1c4c6b3932e6c5a"},
            {"type": "md5", "value": "9e107d9d372bb6826bd81d3542a419d6"},
        ]
    },
)


class Lookups(HubView):
    scopes = {"POST": Scope.LOOK_UP}

    def weight(self, request: Request) -> int:
        items = unread_items(request.data)
        return WHOLE if items is None else sum(map(item_weight, items))

    def least_weight(self, body_bytes: int) -> int:
        return least_weight(body_bytes)

    @extend_schema(
        operation_id="look_up",
        summary="Ask whether the hub knows hashes or identifiers, without submitting them",
        description="Answers each item with the live signals that you can see and that hold the value or one within "
        "the threshold of its type; never with signals about victims or with TLP:RED. Good items are answered, bad "
        "ones are refused in their places. The audit keeps the number of items, nothing keeps what was asked.",
        request=LookupSchema,
        examples=[_EXAMPLE],
        responses=LookupOut,
        tags=["lookups"],
    )
    def post(self, request: Request) -> Response:
        rows = unread_items(request.data) or valid_body(LookupIn, request).validated_data["items"]
        return Response(answers_out(look_up(actor=self.actor, items=[read_item(row) for row in rows])))


class LookupRange(HubView):
    scopes = {"GET": Scope.LOOK_UP}

    @extend_schema(
        operation_id="look_up_range",
        summary="List the hashes that begin with five digits, so that the hub does not learn which one you mean",
        description="Compare the rest of your hash with the suffixes yourself. The same signals count as in a look-up.",
        parameters=[
            OpenApiParameter("type", OpenApiTypes.STR, "path", enum=list(TYPES)),
            OpenApiParameter(
                "prefix", {"type": "string", "pattern": f"^[0-9A-Fa-f]{{{PREFIX}}}$"}, "path",
                description=f"The first {PREFIX} hexadecimal digits.",
            ),
            RangeQuery,
        ],
        responses=RangeOut,
        tags=["lookups"],
    )  # fmt: skip
    def get(self, request: Request, type: str, prefix: str) -> Response:
        after = valid_query(RangeQuery, request).validated_data["after"]
        rows, last = suffixes(actor=self.actor, signal_type=type, prefix=prefix, after=after)
        following = replace_query_param(request.build_absolute_uri(), "after", last) if last else None
        return Response({"results": [suffix_out(row) for row in rows], "next": following})
