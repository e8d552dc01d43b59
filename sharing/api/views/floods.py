"""Flood notices (floor 7)."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from sharing.api.paging import Page, PageQuery, page_schema
from sharing.api.serializers.floods import FloodOut
from sharing.api.views.base import HubView, valid_query
from sharing.matching.floods.selectors import floods_page


class Floods(HubView):
    scopes = {"GET": Scope.READ_MATCHES}

    @extend_schema(
        operation_id="list_floods",
        summary="List what was summarised instead of told match by match",
        description=(
            "A hash or identifier that very many signals share raises no match for each of them. Your organisation has "
            "one notice for each such flood, which grows. Nothing is left out of `GET /signals`: look there with "
            "`text` for all signals that hold the indicator."
        ),
        parameters=[PageQuery],
        responses=page_schema("FloodPage", FloodOut),
        tags=["matches"],
    )
    def get(self, request: Request) -> Response:
        page = Page.of(valid_query(PageQuery, request).validated_data, rows="floods", actor=self.actor)
        rows = floods_page(self.actor, before=page.before, size=page.wanted)
        body = page.body(request, rows, [view.notice.pk for view in rows])
        body["results"] = FloodOut(body["results"], many=True).data
        return Response(body)
