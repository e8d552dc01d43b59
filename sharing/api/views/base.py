"""What all endpoints have in common (floor 7)."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actor import Actor
from hub.incoming import BODY_READ
from sharing.api.throttling import BODY_OF_A_REQUEST, WHOLE


class HubView(APIView):
    # Method -> scope; "" lets any known actor in. See permissions.ActorWithScope.
    scopes: ClassVar[dict[str, str]] = {}
    metadata_class = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        try:
            super().initial(request, *args, **kwargs)
        except (AuthenticationFailed, NotAuthenticated, PermissionDenied):
            # The framework counts what it lets in; whoever tries keys must be slowed down as well.
            self.check_throttles(request)
            raise

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Nothing between hub and member keeps an answer: it holds for this key and this moment."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers.setdefault("Cache-Control", "no-store")
        return final

    def weight(self, request: Request) -> int:
        """What the request counts for against its client's limit, in hundredths of a request."""
        if BODY_READ in request.META:
            _ = request.data  # only now it is known how large that is
        return WHOLE

    def least_weight(self, body_bytes: int) -> int:
        """What a request with a body of this size weighs at least."""
        return body_bytes * WHOLE // BODY_OF_A_REQUEST

    @property
    def actor(self) -> Actor:
        actor = self.request.auth
        assert isinstance(actor, Actor)  # the permission class has seen to it
        return actor


def valid_body(serializer: type[serializers.Serializer[Any]], request: Request, **kwargs: Any) -> Any:
    """The serializer after validation of the body; its errors become problem details."""
    filled = serializer(data=request.data, **kwargs)
    filled.is_valid(raise_exception=True)
    return filled


def valid_query(serializer: type[serializers.Serializer[Any]], request: Request) -> Any:
    filled = serializer(data=request.query_params.dict())
    filled.is_valid(raise_exception=True)
    return filled
