"""Floods, the signals that were summarised, and what each organisation was told of it (floor 4)."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.models import Organisation, Scope
from sharing.signals.indicators import Indicator
from sharing.signals.models import Signal, is_live


class FloodQuerySet(models.QuerySet["Flood"]):
    def overseen_by(self, actor: Actor) -> FloodQuerySet:
        """For the admin: all for an administrator of the hub, none for anybody else. Members see FloodNotice."""
        return self if actor.oversees else self.none()


class Flood(models.Model):
    """An indicator that leads to more signals than the limit, and what the operators decided about it."""

    class Decision(models.TextChoices):
        OPEN = "open", _("Summarise (the rule)")
        EXCLUDED = "excluded", _("Exclude: tell nobody")
        ALERTING = "alerting", _("Raise alerts all the same")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    centre = models.OneToOneField(
        Indicator, on_delete=models.PROTECT, related_name="flood", verbose_name=_("indicator")
    )
    crossed_at = models.DateTimeField(_("crossed the limit"), db_default=Now())
    signals = models.PositiveIntegerField(
        _("signals then"), help_text=_("At least so many signals were within reach when the limit was crossed.")
    )
    summarised = models.PositiveIntegerField(_("summarised since"), default=0)
    # Indicators around the centre that lead to enough signals to tell by arithmetic that a new one is flooded too.
    witnesses = ArrayField(models.BigIntegerField(), editable=False)
    decision = models.CharField(_("decision"), max_length=20, choices=Decision.choices, default=Decision.OPEN)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_until = models.DateTimeField(_("decided until"), null=True)

    objects = FloodQuerySet.as_manager()

    class Meta:
        verbose_name = _("flood")
        verbose_name_plural = _("floods")
        constraints = [
            models.CheckConstraint(
                condition=Q(decision="open", decided_until=None) | ~Q(reason="") & Q(decided_until__isnull=False),
                name="flood_decision_has_reason_and_end",
            ),
        ]

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def in_force(self) -> str:
        """The decision that holds now: an expired one counts as open."""
        if self.decided_until is not None and self.decided_until <= timezone.now():
            return str(self.Decision.OPEN)
        return self.decision

    @property
    def at_least(self) -> int:
        """Signals that are known to belong to it. A batch may have been counted both then and since."""
        return max(self.signals, self.summarised)


class FloodSignal(models.Model):
    """One signal was summarised under one flood. Kept so that matching it again counts nothing twice."""

    flood = models.ForeignKey(Flood, on_delete=models.CASCADE, related_name="members", db_index=False)
    signal = models.ForeignKey(Signal, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flood", "signal"], name="flood_signal_once")]

    def __str__(self) -> str:
        return f"{self.signal_id} in {self.flood_id}"


class FloodNoticeQuerySet(models.QuerySet["FloodNotice"]):
    def visible_to(self, actor: Actor) -> FloodNoticeQuerySet:
        """What the actor's organisation was told, as long as live signals of two organisations that it may see are
        in the notice's list: of a crowd of which it sees only its own part, it learns nothing."""
        if not actor.may(Scope.READ_MATCHES):
            return self.none()
        visible = Signal.objects.visible_to(actor).filter(is_live(), pk__any_of=OuterRef("newest"))
        sources = ArraySubquery(visible.values("organisation").distinct())
        return self.alias(
            sources=models.Func(sources, function="cardinality", output_field=models.IntegerField())
        ).filter(recipient=actor.organisation_id, told__gt=0, sources__gt=1)


class FloodNotice(models.Model):
    """One organisation's summary of one flood. It grows; there is never a second one."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    recipient = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    flood = models.ForeignKey(Flood, on_delete=models.CASCADE, related_name="notices")
    # The one by which the newest signal was reached; not the centre, which the recipient may not see.
    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="+", null=True)
    told = models.PositiveIntegerField(
        _("signals summarised"), help_text=_("Those that the recipient could see when they were matched.")
    )
    newest = ArrayField(models.BigIntegerField(), editable=False)
    created_at = models.DateTimeField(_("first"), db_default=Now())
    updated_at = models.DateTimeField(_("last"), db_default=Now())

    objects = FloodNoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("flood notice")
        verbose_name_plural = _("flood notices")
        constraints = [models.UniqueConstraint(fields=["recipient", "flood"], name="flood_told_once")]
        indexes = [
            # An organisation's notices, newest first.
            models.Index(fields=["recipient", "-id"], name="flood_notice_newest"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)
