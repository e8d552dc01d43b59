"""How many identifiers each organisation had evaluated, day by day, and what operators were alerted to (floor 1)."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class IdentifierDay(models.Model):
    """One day (UTC) of an organisation, all its people and programs together. Raised by one statement: see
    identifier_quota.count_identifiers."""

    organisation = models.ForeignKey(
        "accounts.Organisation",
        on_delete=models.PROTECT,
        related_name="identifier_days",
        verbose_name=_("organisation"),
    )
    day = models.DateField(_("day"))
    identifiers = models.BigIntegerField(_("identifiers"), default=0)
    refused = models.BigIntegerField(_("refused"), default=0, help_text=_("Asked for after the quota was used up."))
    usual = models.BigIntegerField(
        _("usual"), null=True, help_text=_("Mean of the days before on which it asked; empty where these were too few.")
    )

    class Meta:
        verbose_name = _("day of identifiers")
        verbose_name_plural = _("identifiers by day")
        ordering = ["-day", "-identifiers"]
        constraints = [
            # The row that is raised; and the days before it, for what is usual.
            models.UniqueConstraint(fields=["organisation", "day"], name="identifier_day"),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}, {self.day}"


class IdentifierAlert(models.Model):
    """An organisation asked for so many identifiers in a day that an operator should ask why. One for each cause."""

    class Cause(models.TextChoices):
        UNUSUAL = "unusual", _("many times what is usual")
        SHARE = "share", _("a large share of the quota")
        USED_UP = "used_up", _("quota used up")

    organisation = models.ForeignKey(
        "accounts.Organisation",
        on_delete=models.PROTECT,
        related_name="identifier_alerts",
        verbose_name=_("organisation"),
    )
    day = models.DateField(_("day"))
    cause = models.CharField(_("cause"), max_length=20, choices=Cause.choices)
    identifiers = models.BigIntegerField(_("identifiers"), help_text=_("Of that day, when the alert was raised."))
    quota = models.BigIntegerField(_("quota"), help_text=_("Of that day."))
    usual = models.BigIntegerField(_("usual"), null=True)
    created_at = models.DateTimeField(_("raised"), db_default=Now(), editable=False)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, editable=False)
    acknowledged_by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, null=True, editable=False, verbose_name=_("acknowledged by")
    )

    class Meta:
        verbose_name = _("alert about identifiers")
        verbose_name_plural = _("alerts about identifiers")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "day", "cause"], name="identifier_alert"),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}, {self.day}: {self.get_cause_display()}"
