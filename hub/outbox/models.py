"""One row for each piece of work (ground)."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class OutboxEvent(models.Model):
    topic = models.CharField(_("topic"), max_length=60)
    payload = models.JSONField(_("payload"), default=dict)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    due_at = models.DateTimeField(
        _("due"),
        db_default=Now(),
        help_text=_("Handed to a worker when this moment has passed; each handing over moves it on."),
    )
    attempts = models.PositiveIntegerField(_("times handed over"), default=0)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("piece of work")
        verbose_name_plural = _("work to do")
        indexes = [
            # The relay's claim: open rows by due time.
            models.Index(fields=["due_at"], name="outbox_open", condition=models.Q(done_at=None)),
            # The purge of finished rows.
            models.Index(fields=["done_at"], name="outbox_done", condition=models.Q(done_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.topic} #{self.pk}"
