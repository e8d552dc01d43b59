"""For the scripts that blind identifiers in the browser: evaluation and public keys (floor 7).

The same services, quota and audit as POST /api/v1/identifiers/evaluate; that takes keys of programs only, and this
takes sessions only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpResponseBase, JsonResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from hub.errors import Conflict, HubError, Invalid, NotPermitted, UsedUp
from sharing.portal.access import MemberRequest, member
from sharing.portal.forms.problems import text_of
from sharing.signals.evaluation import MODE, SUITE, evaluate_identifiers, published_keys

View = Callable[[MemberRequest], HttpResponseBase]


def told_in_json(view: View) -> View:
    """What the domain refuses, as one sentence for the person in front of the page."""

    @wraps(view)
    def told(request: MemberRequest) -> HttpResponseBase:
        try:
            return view(request)
        except (Conflict, Invalid, NotPermitted, UsedUp) as error:
            return JsonResponse({"message": _sentence(error)}, status=_STATUS[type(error)])

    return told


_STATUS: dict[type[HubError], int] = {Conflict: 409, Invalid: 400, NotPermitted: 403, UsedUp: 429}


def _sentence(error: HubError) -> str:
    match error:
        case Invalid():
            return text_of(error.problems[0])
        case NotPermitted():
            return gettext("You are not allowed to do this.")
    return gettext(error.message)


@require_safe
@member
@told_in_json
def keys(request: MemberRequest) -> HttpResponseBase:
    found = [
        {"key_id": key.key_id, "public_key": key.public_key.hex(), "active": key.is_active, "live": key.is_live}
        for key in published_keys(actor=request.actor)
    ]
    return JsonResponse({"suite": SUITE, "mode": MODE, "keys": found})


@require_POST
@member
@told_in_json
def evaluate(request: MemberRequest) -> HttpResponseBase:
    """`element`, as often as there are elements, and `key_id`."""
    evaluated = evaluate_identifiers(
        actor=request.actor, elements=request.POST.getlist("element"), key_id=request.POST.get("key_id", "")
    )
    return JsonResponse(
        {
            "key_id": evaluated.key_id,
            "elements": [element.hex() for element in evaluated.elements],
            "proof": evaluated.proof.hex(),
        }
    )
