"""Matches (floor 4)."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Exists, Lookup, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.models import ApiClient, Organisation, Scope
from sharing.signals.models import Signal, is_live


@models.BigAutoField.register_lookup
class AnyOf(Lookup[int]):
    """`id__any_of=<array>`: PostgreSQL's `id = ANY(array)`, which an index on id serves."""

    lookup_name = "any_of"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, column_params = self.process_lhs(compiler, connection)
        array, array_params = self.process_rhs(compiler, connection)
        return f"{column} = ANY({array})", (*column_params, *array_params)


class MatchQuerySet(models.QuerySet["Match"]):
    def visible_to(self, actor: Actor) -> MatchQuerySet:
        """Matches told to the actor's organisation, as long as both sides are live and visible to it.

        What was told and is no longer visible (a retraction, an expiry, a lost grant) disappears here at once.
        """
        if not actor.may(Scope.READ_MATCHES):
            return self.none()
        visible = Signal.objects.visible_to(actor).filter(is_live())
        return self.filter(
            Exists(visible.filter(pk=OuterRef("signal"))),
            Exists(visible.filter(pk__any_of=OuterRef("related"))),
            recipient=actor.organisation_id,
        )


class Match(models.Model):
    """One organisation is told that a signal relates to other signals that it can see."""

    class Verdict(models.TextChoices):
        UNREVIEWED = "unreviewed", _("Not reviewed")
        TRUE_POSITIVE = "true_positive", _("True positive")
        FALSE_POSITIVE = "false_positive", _("False positive")
        DISPUTED = "disputed", _("Disputed")
        NEEDS_MORE = "needs_more", _("Needs more information")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    recipient = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="matches")
    signal = models.ForeignKey(Signal, on_delete=models.CASCADE, related_name="matches")
    strength = models.FloatField(_("strength"), help_text=_("0 to 1, of the closest evidence."))
    related_count = models.PositiveIntegerField(_("related signals"))
    # The closest only, so that a row stays small however much relates. Ids instead of a table of pairs.
    related = ArrayField(models.BigIntegerField(), editable=False)
    evidence = models.JSONField(_("evidence"), editable=False)
    verdict = models.CharField(_("verdict"), max_length=20, choices=Verdict.choices, default=Verdict.UNREVIEWED)
    note = models.CharField(_("note"), max_length=1_000, blank=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("reviewer")
    )
    reviewing_client = models.ForeignKey(ApiClient, on_delete=models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(_("reviewed"), null=True)
    created_at = models.DateTimeField(_("found"), db_default=Now())
    updated_at = models.DateTimeField(_("changed"), db_default=Now())

    objects = MatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("match")
        verbose_name_plural = _("matches")
        constraints = [
            models.UniqueConstraint(fields=["recipient", "signal"], name="match_told_once"),
        ]
        indexes = [
            # The inbox, newest first; and the part of it that waits for a verdict.
            models.Index(fields=["recipient", "-id"], name="match_inbox"),
            models.Index(fields=["recipient", "verdict", "-id"], name="match_inbox_by_verdict"),
            # Which matches rest on a signal that has just changed.
            GinIndex(fields=["related"], name="match_related"),
            # Verdicts on a signal, on either side of the match. Few rows have one, so both are small.
            models.Index(fields=["signal"], name="match_reviewed", condition=~Q(verdict="unreviewed")),
            GinIndex(fields=["related"], name="match_reviewed_related", condition=~Q(verdict="unreviewed")),
        ]

    def __str__(self) -> str:
        return str(self.uuid)
