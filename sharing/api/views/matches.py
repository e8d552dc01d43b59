"""Matches (floor 7)."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from sharing.api.paging import Page, page_schema
from sharing.api.serializers.matches import MatchOut, MatchQuery, VerdictIn
from sharing.api.views.base import HubView, valid_body, valid_query
from sharing.matching.selectors import matches_page, read_match
from sharing.matching.services import give_verdict


class Matches(HubView):
    scopes = {"GET": Scope.READ_MATCHES}

    @extend_schema(
        operation_id="list_matches",
        summary="List your organisation's matches, newest first",
        parameters=[MatchQuery],
        responses=page_schema("MatchPage", MatchOut),
        tags=["matches"],
    )
    def get(self, request: Request) -> Response:
        query = valid_query(MatchQuery, request)
        page = Page.of(query.validated_data, rows="matches", actor=self.actor)
        rows = matches_page(self.actor, query.filters(), before=page.before, size=page.wanted)
        body = page.body(request, rows, [view.match.pk for view in rows])
        body["results"] = MatchOut(body["results"], many=True, context={"actor": self.actor}).data
        return Response(body)


class MatchDetail(HubView):
    scopes = {"GET": Scope.READ_MATCHES}

    @extend_schema(
        operation_id="read_match",
        summary="Read one match with its evidence",
        description="Reading is recorded in the audit.",
        responses=MatchOut,
        tags=["matches"],
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        view = read_match(actor=self.actor, uuid=uuid)
        return Response(MatchOut(view, context={"actor": self.actor}).data)


class MatchVerdict(HubView):
    scopes = {"POST": Scope.REVIEW_MATCHES}

    @extend_schema(
        operation_id="give_verdict",
        summary="Say what a review of the match found",
        request=VerdictIn,
        responses=MatchOut,
        tags=["matches"],
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        data = valid_body(VerdictIn, request).validated_data
        give_verdict(actor=self.actor, uuid=uuid, verdict=data["verdict"], note=data["note"])
        view = read_match(actor=self.actor, uuid=uuid)
        return Response(MatchOut(view, context={"actor": self.actor}).data)
