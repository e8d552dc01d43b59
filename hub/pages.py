"""Middleware that only pages need (roof).

The API knows neither cookies nor forms: each of its requests brings a key. So these let it pass by, which saves a tenth
of what a look-up costs. Django's own checks find them by their base classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django_htmx.middleware import HtmxMiddleware

from hub.incoming import is_api


class _OfPages:
    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request) if is_api(request) else super().__call__(request)  # type: ignore[misc]

    if TYPE_CHECKING:
        get_response: Callable[[HttpRequest], HttpResponseBase]


def _of_pages(middleware: type[Any]) -> type[Any]:
    return type(middleware.__name__, (_OfPages, middleware), {"__module__": __name__})


class Language(LocaleMiddleware):
    """Pages speak the reader's language. The API's words are in English for everybody: programs go by its codes."""

    def __call__(self, request: HttpRequest) -> Any:
        if not is_api(request):
            return super().__call__(request)
        translation.activate(settings.LANGUAGE_CODE)  # the thread still has that of the page before
        return self.get_response(request)


Sessions = _of_pages(SessionMiddleware)
FormTokens = _of_pages(CsrfViewMiddleware)
SignedIn = _of_pages(AuthenticationMiddleware)
Messages = _of_pages(MessageMiddleware)
Htmx = _of_pages(HtmxMiddleware)
