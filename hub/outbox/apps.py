"""Django's handle on the outbox app (ground)."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OutboxConfig(AppConfig):
    name = "hub.outbox"
    label = "outbox"
    verbose_name = _("Work to do")
