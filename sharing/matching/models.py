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
from sharing.visibility.models import SharingGroup


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
    # NULL: found when a signal was submitted or changed, as most are.
    rematch = models.ForeignKey(
        "Rematch", on_delete=models.PROTECT, null=True, editable=False, related_name="matches", db_index=False
    )
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
            # What one re-matching found for one organisation; few rows, so the index is small.
            models.Index(
                fields=["recipient", "rematch", "-id"],
                name="match_by_rematch",
                condition=models.Q(rematch__isnull=False),
            ),
            # Which matches rest on a signal that has just changed.
            GinIndex(fields=["related"], name="match_related"),
            # Verdicts on a signal, on either side of the match. Few rows have one, so both are small.
            models.Index(fields=["signal"], name="match_reviewed", condition=~Q(verdict="unreviewed")),
            GinIndex(fields=["related"], name="match_reviewed_related", condition=~Q(verdict="unreviewed")),
        ]

    def __str__(self) -> str:
        return str(self.uuid)


class RematchQuerySet(models.QuerySet["Rematch"]):
    def visible_to(self, actor: Actor) -> RematchQuerySet:
        """Those that found a match which the actor sees now; the others are none of its business."""
        return self.filter(Exists(Match.objects.visible_to(actor).filter(rematch=OuterRef("pk"))))

    def overseen_by(self, actor: Actor) -> RematchQuerySet:
        """For the admin: all for an administrator of the hub, none for anybody else."""
        return self if actor.oversees else self.none()

    def open(self) -> RematchQuerySet:
        return self.filter(state__in=[Rematch.State.QUEUED, Rematch.State.RUNNING])


class Rematch(models.Model):
    """Stored signals are matched again, step by step in the background: what, why, and how far it has come.

    The signals are those that were there at the first step, in the order of their ids. Later ones are matched when they
    are submitted, by then with the same rules and the same sight.
    """

    class Cause(models.TextChoices):
        ASKED = "asked", _("Asked for")
        THRESHOLD = "threshold", _("A threshold changed")
        TYPE = "type", _("A signal type was added")
        IMPORT = "import", _("Signals were imported")
        SIGHT = "sight", _("An organisation gained sight of signals")

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    cause = models.CharField(_("cause"), max_length=20, choices=Cause.choices, default=Cause.ASKED)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    signal_type = models.CharField(
        _("signal type"),
        max_length=40,
        blank=True,
        help_text=_("Only signals that hold an indicator of this type. Empty: all signals."),
    )
    # Its own signals only, and nobody else is told.
    for_organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_index=False,
        related_name="rematches",
        verbose_name=_("for"),
    )
    # Which groups it can see into now; empty when that is not how it gained sight.
    groups = models.ManyToManyField(SharingGroup, editable=False, related_name="+", verbose_name=_("sharing groups"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("asked for by"),
    )
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.QUEUED, editable=False)
    total = models.PositiveBigIntegerField(_("signals"), null=True, editable=False)
    done = models.PositiveBigIntegerField(_("matched again"), default=0, editable=False)
    found = models.PositiveBigIntegerField(_("new matches"), default=0, editable=False)
    # Signals up to done_id are done, those after up_to_id are left out. NULL until the first step.
    done_id = models.BigIntegerField(default=0, editable=False)
    up_to_id = models.BigIntegerField(null=True, editable=False)
    # The one piece of work that carries this on. Any other is a left-over of a kill and does nothing.
    step_event_id = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(_("asked for"), db_default=Now(), editable=False)
    started_at = models.DateTimeField(_("started"), null=True, editable=False)
    finished_at = models.DateTimeField(_("ended"), null=True, editable=False)

    objects = RematchQuerySet.as_manager()

    class Meta:
        verbose_name = _("re-matching")
        verbose_name_plural = _("re-matching")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(cause="sight", for_organisation__isnull=False)
                | ~models.Q(cause="sight") & models.Q(for_organisation__isnull=True),
                name="rematch_sight_is_of_one",
            ),
            models.CheckConstraint(condition=models.Q(cause="sight") | ~models.Q(reason=""), name="rematch_has_reason"),
        ]
        indexes = [
            # Its own, for the one that is still waiting; an organisation's summaries.
            models.Index(fields=["for_organisation", "-id"], name="rematch_of_one"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)
