"""Signals (floor 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from hub.words import problem_in
from sharing.api.paging import Page, page_schema
from sharing.api.problems import problems_of_a_row
from sharing.api.serializers.quick import read_rows
from sharing.api.serializers.signals import (
    MAX_REFERENCE,
    BatchIn,
    BatchOut,
    BatchSchema,
    RetractIn,
    SignalIn,
    SignalOut,
    SignalPatch,
    SignalQuery,
)
from sharing.api.serializers.strict import quoted
from sharing.api.views.base import HubView, valid_body, valid_query
from sharing.signals import services
from sharing.signals.models import Signal
from sharing.signals.preparation import MAX_INDICATORS
from sharing.signals.selectors import newest_page, with_details

_EXAMPLE = OpenApiExample(
    "A picture",
    request_only=True,
    value={
        "external_id": "ad-20931",
        "kind": "content",
        "harm": "people_smuggling",
        "severity": "high",
        "summary": "Advert for a crossing, seen in a public channel.",
        "sharing_groups": ["trafficking-watch"],
        "indicators": [{"type": "phash", "value": "d1c4c6b3932e6c5a"}],
    },
)


class Signals(HubView):
    scopes = {"GET": Scope.READ_SIGNALS, "POST": Scope.WRITE_SIGNALS}

    @extend_schema(
        operation_id="list_signals",
        summary="List signals that you can see, newest first",
        parameters=[SignalQuery],
        responses=page_schema("SignalPage", SignalOut),
        tags=["signals"],
    )
    def get(self, request: Request) -> Response:
        query = valid_query(SignalQuery, request)
        page = Page.of(query.validated_data, rows="signals", actor=self.actor)
        rows = newest_page(self.actor, query.filters(), before=page.before, size=page.wanted)
        body = page.body(request, rows, [signal.pk for signal in rows])
        body["results"] = SignalOut(body["results"], many=True, context={"actor": self.actor}).data
        return Response(body)

    @extend_schema(
        operation_id="submit_signal",
        summary="Submit a signal, or change it by submitting its external_id again",
        request=SignalIn,
        examples=[_EXAMPLE],
        responses={
            200: OpenApiResponse(SignalOut, description="The signal with this external_id was changed."),
            201: OpenApiResponse(SignalOut, description="Stored; matching follows within about a second."),
        },
        tags=["signals"],
    )
    def post(self, request: Request) -> Response:
        item = valid_body(SignalIn, request).to_input()
        outcome = services.submit_signal(actor=self.actor, item=item)
        assert outcome.signal is not None  # otherwise Invalid was raised
        code = status.HTTP_201_CREATED if outcome.created else status.HTTP_200_OK
        return Response(shown(self, outcome.signal), status=code)


class SignalBatch(HubView):
    scopes = {"POST": Scope.WRITE_SIGNALS}

    @extend_schema(
        operation_id="submit_batch",
        summary="Submit many signals in one transaction",
        description="Good rows are stored, bad rows are reported by position. With `atomic` one bad row refuses all.",
        request=BatchSchema,
        responses=BatchOut,
        tags=["signals"],
    )
    def post(self, request: Request) -> Response:
        envelope = valid_body(BatchIn, request).validated_data
        services.require_few(sum(map(indicators_sent, envelope["signals"])))
        rows = list(read_rows(envelope["signals"]))
        outcomes = services.submit_signals(actor=self.actor, items=rows, atomic=envelope["atomic"])
        results = [
            self.result(position, row, outcome)
            for position, (row, outcome) in enumerate(zip(envelope["signals"], outcomes, strict=True))
        ]
        stored = sum(outcome.signal is not None for outcome in outcomes)
        return Response({"stored": stored, "refused": len(outcomes) - stored, "results": results})

    @staticmethod
    def result(position: int, row: Any, outcome: services.Outcome) -> dict[str, Any]:
        done = "created" if outcome.created else "updated"
        return {
            "row": position,
            "status": "refused" if outcome.signal is None else done,
            "id": outcome.signal.uuid if outcome.signal else None,
            "external_id": reference_shown(row),
            "errors": problems_of_a_row(outcome.problems, f"/signals/{position}"),
        }


def reference_shown(row: Any) -> str | None:
    """A row's external_id, by which a member finds it again; None for one that the hub would not store."""
    sent = row.get("external_id") if isinstance(row, Mapping) else None
    if not isinstance(sent, str) or len(sent) > MAX_REFERENCE or problem_in(sent, "") is not None:
        return None
    return quoted(sent, MAX_REFERENCE)


def indicators_sent(row: Any) -> int:
    """How many indicators of an unread row will be read: none of a list that is too long."""
    sent = row.get("indicators") if isinstance(row, Mapping) else None
    return len(sent) if isinstance(sent, list) and len(sent) <= MAX_INDICATORS else 0


class SignalDetail(HubView):
    scopes = {"GET": Scope.READ_SIGNALS, "PATCH": Scope.WRITE_SIGNALS}

    @extend_schema(
        operation_id="read_signal",
        summary="Read one signal",
        description="Reading is recorded in the audit.",
        responses=SignalOut,
        tags=["signals"],
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        signal = services.read_signal(actor=self.actor, uuid=uuid)
        return Response(SignalOut(signal, context={"actor": self.actor}).data)

    @extend_schema(
        operation_id="change_signal",
        summary="Change fields of your own signal",
        description="Lists are replaced whole. Left out, `indicators` stay as they are stored.",
        request=SignalPatch,
        responses=SignalOut,
        tags=["signals"],
    )
    def patch(self, request: Request, uuid: UUID) -> Response:
        changes = valid_body(SignalPatch, request, partial=True).changes()
        return Response(shown(self, services.update_signal(actor=self.actor, uuid=uuid, changes=changes)))


class SignalRetraction(HubView):
    scopes = {"POST": Scope.WRITE_SIGNALS}

    @extend_schema(
        operation_id="retract_signal",
        summary="Take back your own signal",
        description="At once nobody else sees the signal, or a match that rests on it alone. Repeating does nothing.",
        request=RetractIn,
        responses=SignalOut,
        tags=["signals"],
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        reason = valid_body(RetractIn, request).validated_data["reason"]
        return Response(shown(self, services.retract_signal(actor=self.actor, uuid=uuid, reason=reason)))


def shown(view: HubView, signal: Signal) -> Any:
    """The signal as its own organisation sees it after a write."""
    fresh = with_details(Signal.objects.visible_to(view.actor).filter(pk=signal.pk), view.actor).get()
    return SignalOut(fresh, context={"actor": view.actor}).data
