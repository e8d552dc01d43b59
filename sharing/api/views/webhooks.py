"""Webhooks: set them up, see what was delivered, send again (floor 7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.models import Scope
from sharing.api.paging import Page, page_schema
from sharing.api.serializers.webhooks import (
    DeliveryOut,
    DeliveryQuery,
    NewSecretOut,
    ReplayedOut,
    ReplayIn,
    RotateIn,
    WebhookIn,
    WebhookOut,
    WebhookPatch,
)
from sharing.api.views.base import HubView, valid_body, valid_query
from sharing.notifications import services
from sharing.notifications.selectors import deliveries_page, webhook, webhooks

_EXAMPLE = OpenApiExample(
    "Told of matches",
    request_only=True,
    value={"url": "https://hooks.example.org/hub", "events": ["match.found", "rematch.found"]},
)


class Webhooks(HubView):
    scopes = {"GET": Scope.MANAGE_WEBHOOKS, "POST": Scope.MANAGE_WEBHOOKS}

    @extend_schema(
        operation_id="list_webhooks",
        summary="List your organisation's webhooks, newest first",
        responses=WebhookOut(many=True),
        tags=["webhooks"],
    )
    def get(self, request: Request) -> Response:
        return Response(WebhookOut(webhooks(self.actor), many=True).data)

    @extend_schema(
        operation_id="create_webhook",
        summary="Have an address of yours called when something happens",
        description=f"The answer has the secret, which is shown this once. At most {services.MOST_ENDPOINTS} webhooks.",
        request=WebhookIn,
        examples=[_EXAMPLE],
        responses={201: NewSecretOut},
        tags=["webhooks"],
    )
    def post(self, request: Request) -> Response:
        made = services.create_webhook(actor=self.actor, **valid_body(WebhookIn, request).validated_data)
        return Response(with_secret(self.actor, made), status=status.HTTP_201_CREATED)


class WebhookDetail(HubView):
    scopes = dict.fromkeys(("GET", "PATCH", "DELETE"), Scope.MANAGE_WEBHOOKS)

    @extend_schema(operation_id="read_webhook", summary="Read one webhook", responses=WebhookOut, tags=["webhooks"])
    def get(self, request: Request, uuid: UUID) -> Response:
        return Response(WebhookOut(webhook(self.actor, uuid)).data)

    @extend_schema(
        operation_id="change_webhook",
        summary="Change a webhook, switch it off or on",
        request=WebhookPatch,
        responses=WebhookOut,
        tags=["webhooks"],
    )
    def patch(self, request: Request, uuid: UUID) -> Response:
        changes = valid_body(WebhookPatch, request, partial=True).validated_data
        services.change_webhook(actor=self.actor, uuid=uuid, changes=changes)
        return Response(WebhookOut(webhook(self.actor, uuid)).data)

    @extend_schema(
        operation_id="delete_webhook",
        summary="Delete a webhook with its deliveries",
        responses={204: None},
        tags=["webhooks"],
    )
    def delete(self, request: Request, uuid: UUID) -> Response:
        services.delete_webhook(actor=self.actor, uuid=uuid)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookSecretRotation(HubView):
    scopes = {"POST": Scope.MANAGE_WEBHOOKS}

    @extend_schema(
        operation_id="rotate_webhook_secret",
        summary="Get a new secret, while the one before goes on signing for a time",
        description="Every message then has two signatures; accept a message when one of them is right.",
        request=RotateIn,
        responses=NewSecretOut,
        tags=["webhooks"],
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        hours = valid_body(RotateIn, request).validated_data["overlap_hours"]
        made = services.rotate_secret(actor=self.actor, uuid=uuid, overlap=timedelta(hours=hours))
        return Response(with_secret(self.actor, made))


class WebhookTest(HubView):
    scopes = {"POST": Scope.MANAGE_WEBHOOKS}

    @extend_schema(
        operation_id="test_webhook",
        summary="Send the event webhook.test",
        request=None,
        responses={202: OpenApiResponse(DeliveryOut, description="It is sent within a few seconds.")},
        tags=["webhooks"],
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        delivery = services.send_test(actor=self.actor, uuid=uuid)
        return Response(DeliveryOut(delivery).data, status=status.HTTP_202_ACCEPTED)


class WebhookDeliveries(HubView):
    scopes = {"GET": Scope.MANAGE_WEBHOOKS}

    @extend_schema(
        operation_id="list_webhook_deliveries",
        summary="List what was sent or is to be sent, newest first",
        description="Those that have ended are kept for 30 days.",
        parameters=[DeliveryQuery],
        responses=page_schema("DeliveryPage", DeliveryOut),
        tags=["webhooks"],
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        query = valid_query(DeliveryQuery, request).validated_data
        page = Page.of(query, rows=f"deliveries of {uuid}", actor=self.actor)
        state = query.get("state", "")
        rows = deliveries_page(self.actor, uuid, state=state, before=page.before, size=page.wanted)
        body = page.body(request, rows, [row.pk for row in rows])
        body["results"] = DeliveryOut(body["results"], many=True).data
        return Response(body)


class WebhookReplay(HubView):
    scopes = {"POST": Scope.MANAGE_WEBHOOKS}

    @extend_schema(
        operation_id="replay_webhook",
        summary="Send again all that failed since a moment",
        request=ReplayIn,
        responses=ReplayedOut,
        tags=["webhooks"],
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        since = valid_body(ReplayIn, request).validated_data["since"]
        return Response({"replayed": services.replay_failed(actor=self.actor, uuid=uuid, since=since)})


class DeliveryReplay(HubView):
    scopes = {"POST": Scope.MANAGE_WEBHOOKS}

    @extend_schema(
        operation_id="replay_webhook_delivery",
        summary="Send one delivery that has ended again",
        description="With the same webhook-id, and all its attempts anew.",
        request=None,
        responses={202: DeliveryOut},
        tags=["webhooks"],
    )
    def post(self, request: Request, uuid: UUID, delivery: UUID) -> Response:
        row = services.replay(actor=self.actor, uuid=uuid, delivery=delivery)
        return Response(DeliveryOut(row).data, status=status.HTTP_202_ACCEPTED)


def with_secret(actor: Actor, made: services.NewSecret) -> dict[str, Any]:
    endpoint = webhook(actor, made.endpoint.uuid)
    endpoint.secret = made.text  # type: ignore[attr-defined]
    return dict(NewSecretOut(endpoint).data)
