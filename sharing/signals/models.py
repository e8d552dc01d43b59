"""Signals, whom they are shared with, and their visibility verb (floor 3)."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.models import Organisation
from sharing.signals.fields import TransactionIdField, current_transaction, oldest_open_transaction
from sharing.signals.indicators import Indicator
from sharing.visibility.models import Grant, Harm, SharingGroup
from sharing.visibility.selectors import viewable_group_ids
from sharing.visibility.tlp import TLP


def is_live() -> Q:
    """Neither retracted nor expired. Others see live signals only; the submitter sees its own in any state."""
    return Q(retracted_at=None, expires_at__gt=Now())


class SignalQuerySet(models.QuerySet["Signal"]):
    def visible_to(self, actor: Actor) -> SignalQuerySet:
        """The signals that this actor may see: its own; live ones shared with a group that it may view; live ones
        that name its organisation.

        A test of each row by index probes: right for one signal, or a few. A page of the newest of many is
        selectors.newest_page, which reads from each branch no more than it shows.
        """
        if actor.organisation is None or not actor.is_known:
            return self.none()
        through_group = Share.objects.filter(signal=OuterRef("pk"), sharing_group__in=viewable_group_ids(actor))
        by_name = SignalGrant.objects.filter(content_object=OuterRef("pk"), group=actor.organisation.group_id)
        own = Q(organisation=actor.organisation_id)
        return self.filter(own | is_live() & (Exists(through_group) | Exists(by_name)))

    def overseen_by(self, actor: Actor) -> SignalQuerySet:
        """For the admin's register of signals: who, when, for whom, in what state. All for an administrator of the
        hub, none for anybody else. What is shown there leaves out the summary and the indicators' values."""
        return self if actor.oversees else self.none()


class Signal(models.Model):
    """What one organisation asserts, with context and audience, about one or more indicators."""

    class Kind(models.TextChoices):
        CONTENT = "content", _("Content")
        ACCOUNT = "account", _("Account")

    class Severity(models.TextChoices):
        LOW = "low", _("Low")
        MEDIUM = "medium", _("Medium")
        HIGH = "high", _("High")
        CRITICAL = "critical", _("Critical: a person may be in danger now")

    class SubjectRole(models.TextChoices):
        SUSPECTED_OFFENDER = "suspected_offender", _("Suspected offender")
        VICTIM = "victim", _("Victim or person at risk")
        UNKNOWN = "unknown", _("Unknown")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="signals", verbose_name=_("organisation")
    )
    external_id = models.CharField(  # noqa: DJ001 - NULL is "none given": several may have none
        _("own reference"),
        max_length=200,
        null=True,
        blank=True,
        help_text=_("The organisation's own id for this. Submitting it again updates, never doubles."),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    harm = models.CharField(_("harm"), max_length=40, choices=Harm.choices)
    severity = models.CharField(_("severity"), max_length=20, choices=Severity.choices)
    confidence = models.PositiveSmallIntegerField(
        _("confidence"), default=50, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    tlp = models.CharField(_("TLP"), max_length=20, choices=TLP.choices)
    subject_role = models.CharField(
        _("subject"), max_length=20, choices=SubjectRole.choices, default=SubjectRole.UNKNOWN
    )
    summary = models.TextField(_("summary"), blank=True, max_length=4_000)
    lawful_basis = models.CharField(_("lawful basis"), max_length=200, blank=True)
    observed_at = models.DateTimeField(_("observed"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"))
    retracted_at = models.DateTimeField(_("retracted"), null=True, blank=True)
    retraction_reason = models.CharField(_("reason of the retraction"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("submitted"), db_default=Now())
    updated_at = models.DateTimeField(_("changed"), db_default=Now())
    # Set by the database at every write of the signal or of what belongs to it (audience, indicators, account); with
    # the id it orders changes for feeds that must miss nothing.
    commit_xid = TransactionIdField(editable=False, db_default=current_transaction())
    # Set by the database: since when nobody is told of it by a feed (retracted, expired and noted so, about a victim,
    # TLP:RED). Empty: it is told of. 0: it never was.
    gone_xid = TransactionIdField(editable=False, null=True)  # type: ignore[misc]

    groups = models.ManyToManyField(SharingGroup, through="Share", related_name="signals")
    indicators = models.ManyToManyField(Indicator, through="SignalIndicator", related_name="signals")

    objects = SignalQuerySet.as_manager()

    class Meta:
        verbose_name = _("signal")
        verbose_name_plural = _("signals")
        constraints = [
            models.UniqueConstraint(fields=["organisation", "external_id"], name="signal_external_id"),
        ]
        indexes = [
            # An organisation's own newest signals.
            models.Index(fields=["organisation", "-id"], name="signal_own_newest"),
            # An organisation's own changes in commit order: a branch of its feed.
            models.Index(fields=["organisation", "commit_xid", "id"], name="signal_own_changes"),
            # What has expired, and was not noted so yet.
            models.Index(fields=["expires_at"], condition=Q(gone_xid=None), name="signal_expiring"),
            # Word search.
            GinIndex(SearchVector("summary", config="simple"), name="signal_words"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def state(self) -> str:
        """active, expired or retracted."""
        if self.retracted_at is not None:
            return "retracted"
        return "expired" if self.expires_at <= timezone.now() else "active"


class SignalIndicator(models.Model):
    signal = models.ForeignKey(Signal, on_delete=models.CASCADE, related_name="indicator_links")
    indicator = models.ForeignKey(Indicator, on_delete=models.PROTECT, related_name="signal_links")
    quality = models.PositiveSmallIntegerField(
        _("quality"),
        null=True,
        help_text=_("0 to 100, as PDQ reports it. Low quality matches by identity only."),
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["signal", "indicator"], name="signal_indicator_once"),
        ]

    def __str__(self) -> str:
        return f"{self.signal_id} {self.indicator_id}"


class Share(models.Model):
    """One signal is shared with one group."""

    signal = models.ForeignKey(Signal, on_delete=models.CASCADE, related_name="shares")
    sharing_group = models.ForeignKey(SharingGroup, on_delete=models.PROTECT, related_name="shares", db_index=False)
    created_at = models.DateTimeField(db_default=Now())
    # The signal's, kept equal by the database.
    commit_xid = TransactionIdField(editable=False, db_default=current_transaction())
    # Whatever ended in an earlier transaction was over when this share was made.
    began_xid = TransactionIdField(editable=False, db_default=oldest_open_transaction())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["signal", "sharing_group"], name="share_once"),
        ]
        indexes = [
            # The newest signals of one group: a branch of every page.
            models.Index(fields=["sharing_group", "-signal"], name="share_newest"),
            # The changes of one group's signals in commit order: a branch of every feed.
            models.Index(fields=["sharing_group", "commit_xid", "signal"], name="share_changes"),
        ]

    def __str__(self) -> str:
        return f"{self.signal_id} in {self.sharing_group_id}"


class SignalGrant(Grant):
    """The exception: one signal is shown to one more organisation. The way of TLP:RED, and of nothing frequent."""

    content_object = models.ForeignKey(Signal, on_delete=models.CASCADE, related_name="grants")
    # As those of a share.
    commit_xid = TransactionIdField(editable=False, db_default=current_transaction())
    began_xid = TransactionIdField(editable=False, db_default=oldest_open_transaction())

    class Meta(Grant.Meta):
        verbose_name = _("named organisation")
        verbose_name_plural = _("named organisations")
        constraints = [models.CheckConstraint(condition=~models.Q(reason=""), name="signal_grant_has_reason")]
        indexes = [
            # The newest signals that an organisation was named for: a branch of every page.
            models.Index(fields=["group", "-content_object"], name="signal_grant_newest"),
            # Changes of these in commit order: a branch of its feed.
            models.Index(fields=["group", "commit_xid", "content_object"], name="signal_grant_changes"),
        ]

    def __str__(self) -> str:
        return f"{self.content_object_id} to {self.group_id}"


class AccountDetail(models.Model):
    """What an account signal says besides its identifiers."""

    class Enforcement(models.TextChoices):
        NONE = "none", _("None yet")
        WARNED = "warned", _("Warned")
        RESTRICTED = "restricted", _("Restricted")
        SUSPENDED = "suspended", _("Suspended for a time")
        BANNED = "banned", _("Banned")

    signal = models.OneToOneField(Signal, on_delete=models.CASCADE, related_name="account")
    platform = models.SlugField(_("platform"), max_length=60)
    behaviours = ArrayField(models.CharField(max_length=60), verbose_name=_("behaviours"), default=list, blank=True)
    enforcement = models.CharField(
        _("enforcement action"), max_length=20, choices=Enforcement.choices, default=Enforcement.NONE
    )
    enforced_at = models.DateTimeField(_("date of the action"), null=True, blank=True)

    class Meta:
        verbose_name = _("account detail")
        verbose_name_plural = _("account details")

    def __str__(self) -> str:
        return self.platform
