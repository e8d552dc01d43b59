"""Which scope a request needs (floor 7). A view without scopes lets nobody in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.actor import Actor

if TYPE_CHECKING:  # the framework's views import this module
    from rest_framework.views import APIView


class ActorWithScope(BasePermission):
    """The view's `scopes` name one for each method; "" is any known actor. A handler without a scope: no."""

    message = "This key does not have the scope that this needs."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method == "OPTIONS" or not hasattr(view, str(request.method).lower()):
            return True  # nothing will be done: the answer is 405
        scope = getattr(view, "scopes", {}).get("GET" if request.method == "HEAD" else request.method)
        actor = request.auth
        if scope is None or not isinstance(actor, Actor):
            return False
        return actor.is_known if scope == "" else actor.may(scope)
