"""The admin site: for administrators of the hub and nobody else (ground)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import update_wrapper
from typing import Any, TypeVar, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from hub.admin.pages import HubModelAdmin, overseer

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class HubAdminSite(admin.AdminSite):
    """Sign-in is the portal's, so that its lock-out counts here too. Only pages made for the hub are shown.

    A package's own page (auth's groups, axes' attempts) would show raw permission rows that only services may write.
    """

    site_header = _("Intelligence-sharing hub administration")
    site_title = _("Hub administration")
    index_title = _("Administration")
    # A handful of pages needs no second menu; the lists need the width.
    enable_nav_sidebar = False
    empty_value_display = _("none")  # type: ignore[assignment]

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[admin.ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        if admin_class is not None and issubclass(admin_class, HubModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return overseer(request).oversees

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        guarded = super().admin_view(view, cacheable)

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # Sign-in can't help a member who is signed in already: refuse instead of sending them round.
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            return guarded(request, *args, **kwargs)

        return cast(View, update_wrapper(inner, view))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return _to_the_portal(request, allowed=self.has_permission(request))

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The portal's page, which tells the audit."""
        return redirect("portal:password")


@never_cache
def _to_the_portal(request: HttpRequest, *, allowed: bool) -> HttpResponse:
    index = reverse("admin:index")
    if allowed:
        return redirect(index)
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or index, str(settings.LOGIN_URL))
