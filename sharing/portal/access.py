"""Who gets into a page, and what the domain's errors look like there: the one place for both (floor 7)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from accounts.actor import Actor
from hub.errors import Conflict, HubError, Invalid, NotFound, NotPermitted, UsedUp
from sharing.portal import errors

P = ParamSpec("P")


class MemberRequest(HttpRequest):
    """A request after `member` has let it in: its actor is a signed-in person of an active organisation."""

    actor: Actor
    htmx: HtmxDetails


def member(
    view: Callable[Concatenate[MemberRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """For signed-in people only; everybody else goes to the sign-in page, and from there back here.

    Nothing that is shown is kept by the browser: on a shared computer, Back shows no signals after sign-out. What the
    domain refuses and no form has taken becomes a page.
    """

    @never_cache
    @functools.wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        inside = cast(MemberRequest, request)
        if not inside.actor.is_known:
            return _to_sign_in(inside)
        try:
            return view(inside, *args, **kwargs)
        except HubError as error:
            return _page(request, error)

    return guarded


def _to_sign_in(request: MemberRequest) -> HttpResponseBase:
    if request.htmx:
        # htmx would put the sign-in page where a part of this page belongs.
        return HttpResponseClientRedirect(redirect_to_login(_shown_page(request)).url)
    return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")


def _shown_page(request: MemberRequest) -> str:
    """Where htmx says that the browser is, without its host; "/" when that is elsewhere or no address at all."""
    try:
        return request.htmx.current_url_abs_path or "/"
    except ValueError:
        return "/"


def _page(request: HttpRequest, error: HubError) -> HttpResponseBase:
    match error:
        case NotFound():
            return errors.not_found(request)
        case NotPermitted():
            return errors.forbidden(request)
        case Conflict():
            return errors.page(request, 409, gettext(error.message))
        case Invalid():
            return errors.bad_request(request)
        case UsedUp():
            answer = errors.page(request, 429, gettext(error.message))
            answer.headers["Retry-After"] = str(error.retry_after)
            return answer
    raise error
