"""Identifiers that stay with the member: evaluation of blinded ones, and the public keys (floor 7)."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from sharing.api.serializers.identifiers import EvaluatedOut, EvaluateIn, PublishedKeysOut, evaluated_out
from sharing.api.throttling import WHOLE
from sharing.api.views.base import HubView, valid_body
from sharing.signals.evaluation import MODE, SUITE, evaluate_identifiers, published_keys

# Elements that weigh as much as a request: evaluating so many takes about as long.
ELEMENTS_OF_A_REQUEST: Final = 50
# Of an element in JSON.
_BYTES: Final = 68
_EXAMPLE = OpenApiExample(
    "Two blinded identifiers",
    request_only=True,
    value={
        "elements": [
            "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
            "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654",
        ]
    },
)


class Evaluation(HubView):
    scopes = {"POST": Scope.EVALUATE}

    def weight(self, request: Request) -> int:
        data: Any = request.data
        elements = data.get("elements") if isinstance(data, dict) else None
        return _weight(len(elements)) if isinstance(elements, list) else WHOLE

    def least_weight(self, body_bytes: int) -> int:
        return _weight(body_bytes // _BYTES)

    @extend_schema(
        operation_id="evaluate_identifiers",
        summary="Evaluate blinded identifiers, so that you can make tokens of them and the hub never sees them",
        description="RFC 9497, ristretto255-SHA512, mode VOPRF. Normalise the identifier by the published rules, "
        "blind it, send the element, check the proof against the published key, finalise, and keep the first 32 bytes "
        "as the token. The input is the name of the signal type, a zero byte and the canonical form. Each element "
        "counts against the quota of your organisation for the day (UTC), also when a request is refused for an "
        "invalid one.",
        request=EvaluateIn,
        examples=[_EXAMPLE],
        responses=EvaluatedOut,
        tags=["identifiers"],
    )
    def post(self, request: Request) -> Response:
        sent = valid_body(EvaluateIn, request).validated_data
        return Response(evaluated_out(evaluate_identifiers(actor=self.actor, **sent)))


def _weight(elements: int) -> int:
    return max(WHOLE, elements * WHOLE // ELEMENTS_OF_A_REQUEST)


class IdentifierKeys(HubView):
    scopes = {"GET": ""}

    @extend_schema(
        operation_id="list_identifier_keys",
        summary="The public keys under which tokens of identifiers are made, and from when to when they count",
        description="Fetch them once, and from a second place, and keep them: a proof shows that your identifiers were "
        "evaluated under the same key as everybody's only if you knew that key before.",
        responses=PublishedKeysOut,
        tags=["identifiers"],
    )
    def get(self, request: Request) -> Response:
        keys = published_keys(actor=self.actor)
        return Response(PublishedKeysOut({"suite": SUITE, "mode": MODE, "keys": keys}).data)
