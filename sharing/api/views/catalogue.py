"""Who am I, which groups and which signal types can I use (floor 7)."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from sharing import signal_types
from sharing.api.serializers.catalogue import SharingGroupOut, SignalTypeOut, WhoAmI
from sharing.api.views.base import HubView
from sharing.matching.thresholds import thresholds
from sharing.visibility.models import SharingGroup
from sharing.visibility.selectors import contributable_groups


class Me(HubView):
    scopes = {"GET": ""}

    @extend_schema(
        operation_id="whoami",
        summary="Who this key belongs to, and what it may do",
        responses=WhoAmI,
        tags=["catalogue"],
    )
    def get(self, request: Request) -> Response:
        actor = self.actor
        data = {"organisation": actor.organisation, "client": str(actor.client), "scopes": sorted(actor.scopes)}
        return Response(WhoAmI(data).data)


class SharingGroups(HubView):
    scopes = {"GET": Scope.READ_SIGNALS}

    @extend_schema(
        operation_id="list_sharing_groups",
        summary="Sharing groups that you are in",
        responses=SharingGroupOut(many=True),
        tags=["catalogue"],
    )
    def get(self, request: Request) -> Response:
        contributable = set(contributable_groups(self.actor).values_list("pk", flat=True))
        groups = list(SharingGroup.objects.visible_to(self.actor))
        for group in groups:
            group.may_contribute = group.pk in contributable  # type: ignore[attr-defined]
        return Response(SharingGroupOut(groups, many=True).data)


class SignalTypes(HubView):
    scopes = {"GET": ""}

    @extend_schema(
        operation_id="list_signal_types",
        summary="Kinds of hashes and identifiers that the hub takes",
        responses=SignalTypeOut(many=True),
        tags=["catalogue"],
    )
    def get(self, request: Request) -> Response:
        bits = thresholds()
        rows = [
            {
                "name": item.name,
                "title": item.title,
                "description": item.description,
                "example": item.example,
                "keyed": item.keyed,
                "needs_platform": item.needs_platform,
                "bits": compared.near.bits if compared.near else None,
                "threshold": bits[compared.name],
            }
            for item in signal_types.ALL
            for compared in [signal_types.get(item.parts or item.name)]
        ]
        return Response(SignalTypeOut(rows, many=True).data)
