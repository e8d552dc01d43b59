"""What every page of the portal knows (floor 7). Lazy: the error pages use none of it and ask no database."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import Scope


def portal(request: HttpRequest) -> dict[str, Any]:
    actor = getattr(request, "actor", None)
    return {
        "actor": actor,
        "may_submit": SimpleLazyObject(lambda: actor is not None and actor.may(Scope.WRITE_SIGNALS)),
        "may_check": SimpleLazyObject(lambda: actor is not None and actor.may(Scope.LOOK_UP)),
        "may_review": SimpleLazyObject(lambda: actor is not None and actor.may(Scope.REVIEW_MATCHES)),
        "may_manage_webhooks": SimpleLazyObject(lambda: actor is not None and actor.may(Scope.MANAGE_WEBHOOKS)),
        "is_demo": settings.DEMO,
    }
