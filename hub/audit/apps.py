"""Django's handle on the audit app (ground)."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "hub.audit"
    label = "audit"
    verbose_name = _("Audit")
