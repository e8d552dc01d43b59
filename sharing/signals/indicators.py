"""Indicators (floor 3)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from sharing import signal_types
from sharing.signals.fields import TransactionIdField


class Indicator(models.Model):
    """One (signal type, value), unique in the hub and without an owner. For identifiers the value is a keyed token."""

    signal_type = models.CharField(_("signal type"), max_length=20)
    value = models.BinaryField(_("value"), max_length=64)
    key_id = models.CharField(
        _("key id"), max_length=16, blank=True, help_text=_("Which key made the token; empty for hashes.")
    )
    # Set by the database when the row is written, and never changed. 0: written before there was this column.
    commit_xid = TransactionIdField(editable=False, db_default=models.Func(function="pg_current_xact_id"))

    class Meta:
        verbose_name = _("indicator")
        verbose_name_plural = _("indicators")
        constraints = [
            # Exact identity: the look-up of every submission and of every exact match.
            models.UniqueConstraint(fields=["signal_type", "value"], name="indicator_identity"),
        ]
        indexes = [
            # Reading one type in pieces.
            models.Index(fields=["signal_type", "id"], name="indicator_of_type"),
            # What the snapshot of the near index does not hold yet: read by each query.
            models.Index(fields=["signal_type", "commit_xid"], name="indicator_commit"),
        ]

    def __str__(self) -> str:
        return f"{self.signal_type} #{self.pk}"

    @property
    def text(self) -> str:
        return signal_types.get(self.signal_type).format(bytes(self.value))
