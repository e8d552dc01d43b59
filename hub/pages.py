"""Middleware that only pages need (roof).

The API knows neither cookies nor forms: each of its requests brings a key. So these let it pass by, at a tenth of what a
look-up costs. They are Django's own otherwise, and its checks find them by their base classes.
"""

from __future__ import annotations

from collections.abc import Callable

from axes.middleware import AxesMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django_htmx.middleware import HtmxMiddleware

from hub.incoming import is_api


class _OfPages:
    get_response: Callable[[HttpRequest], HttpResponseBase]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request):
            return self.get_response(request)
        answer: HttpResponseBase = super().__call__(request)  # type: ignore[misc]
        return answer


class Sessions(_OfPages, SessionMiddleware):
    pass


class FormTokens(_OfPages, CsrfViewMiddleware):
    pass


class SignedIn(_OfPages, AuthenticationMiddleware):
    pass


class Messages(_OfPages, MessageMiddleware):
    pass


class Htmx(_OfPages, HtmxMiddleware):
    pass


class LockOut(_OfPages, AxesMiddleware):
    pass
