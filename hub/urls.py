"""Addresses (roof)."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("sharing.api.urls")),
    path("admin/", admin.site.urls),
    path("", include("sharing.portal.urls")),
]

handler400 = "sharing.portal.errors.bad_request"
handler403 = "sharing.portal.errors.forbidden"
handler404 = "sharing.portal.errors.not_found"
handler500 = "sharing.portal.errors.failed"
