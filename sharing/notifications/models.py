"""Webhook endpoints, their secrets, and one row for each event that an endpoint is told of (floor 5)."""

from __future__ import annotations

import uuid
from typing import Final
from urllib.parse import urlsplit

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.models import Organisation, Scope


class EventType(models.TextChoices):
    """What an endpoint can be told of. Names are part of the API: they stay."""

    MATCH_FOUND = "match.found", _("A match was found")
    MATCH_UPDATED = "match.updated", _("A match relates to other signals than before")
    MATCH_REVIEWED = "match.reviewed", _("Your organisation gave a verdict on a match")
    REMATCH_FOUND = "rematch.found", _("Stored signals were matched again, with new matches for you")
    SIGNAL_RETRACTED = "signal.retracted", _("A signal that you could see was retracted")
    TEST = "webhook.test", _("You asked for a test")


# Asked for by hand, and sent whatever the endpoint's filter says.
CHOSEN: Final = tuple(value for value in EventType.values if value != EventType.TEST)
# Who sets up an endpoint for an event must be allowed to read what it speaks of.
NEEDED_SCOPES: Final[dict[str, str]] = {
    EventType.MATCH_FOUND: Scope.READ_MATCHES,
    EventType.MATCH_UPDATED: Scope.READ_MATCHES,
    EventType.MATCH_REVIEWED: Scope.READ_MATCHES,
    EventType.REMATCH_FOUND: Scope.READ_MATCHES,
    EventType.SIGNAL_RETRACTED: Scope.READ_SIGNALS,
}


class EndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def visible_to(self, actor: Actor) -> EndpointQuerySet:
        """The organisation's own, for who may manage them."""
        if not actor.may(Scope.MANAGE_WEBHOOKS):
            return self.none()
        return self.filter(organisation=actor.organisation_id)

    def overseen_by(self, actor: Actor) -> EndpointQuerySet:
        """For the admin: all for an administrator of the hub, none for anybody else."""
        return self if actor.oversees else self.none()


class WebhookEndpoint(models.Model):
    class State(models.TextChoices):
        ENABLED = "enabled", _("Enabled")
        DISABLED = "disabled", _("Disabled")

    class Cause(models.TextChoices):
        NONE = "", _("None")
        MEMBER = "member", _("Switched off by the organisation")
        OPERATOR = "operator", _("Switched off by an administrator of the hub")
        FAILING = "failing", _("Nothing was accepted for three days")
        GONE = "gone", _("It answered 410 (Gone)")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="webhooks",
        verbose_name=_("organisation"),
        db_index=False,
    )
    # May hold a member's own key in its path or query: shown to that member only, never in a log or an error.
    url = models.CharField(_("address"), max_length=500)
    description = models.CharField(_("description"), max_length=200, blank=True)
    events = ArrayField(models.CharField(max_length=40, choices=EventType.choices), verbose_name=_("events"))
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.ENABLED)
    cause = models.CharField(_("switched off because"), max_length=20, choices=Cause.choices, blank=True)
    disabled_at = models.DateTimeField(_("switched off"), null=True, editable=False)
    # Since its last success; NULL: the last attempt succeeded, or there was none.
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    # An endpoint that fails is left alone for a moment, whatever waits for it.
    paused_until = models.DateTimeField(_("left alone until"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="enabled", cause="", disabled_at=None)
                | Q(state="disabled", disabled_at__isnull=False) & ~Q(cause=""),
                name="webhook_disabled_has_cause",
            ),
            models.CheckConstraint(condition=Q(events__len__gt=0), name="webhook_has_events"),
        ]
        indexes = [
            # An organisation's own, newest first; who is told of an event.
            models.Index(fields=["organisation", "-id"], name="webhook_own"),
        ]

    def __str__(self) -> str:
        return self.host

    @property
    def host(self) -> str:
        """What of the address others than the member may see."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_enabled(self) -> bool:
        return self.state == self.State.ENABLED


class WebhookSecret(models.Model):
    """What an endpoint's messages are signed with. Two may overlap while one replaces the other: both sign."""

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="secrets")
    # See hub.encryption: signing needs the secret itself, so a digest would not do.
    encrypted = models.TextField(editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("secret of a webhook")
        verbose_name_plural = _("secrets of webhooks")
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint"], condition=Q(expires_at=None), name="webhook_secret_newest_is_one"
            ),
        ]

    def __str__(self) -> str:
        return f"secret {self.pk}"


class WebhookTurn(models.Model):
    """Who sends at the moment: one row, held on a lease. A session's lock would get lost in a pool of connections."""

    holder = models.UUIDField(editable=False)
    until = models.DateTimeField(editable=False)

    def __str__(self) -> str:
        return str(self.holder)


class DeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def visible_to(self, actor: Actor) -> DeliveryQuerySet:
        """Those of the organisation's own endpoints, for who may manage these."""
        if not actor.may(Scope.MANAGE_WEBHOOKS):
            return self.none()
        return self.filter(endpoint__organisation=actor.organisation_id)

    def overseen_by(self, actor: Actor) -> DeliveryQuerySet:
        return self if actor.oversees else self.none()


class WebhookDelivery(models.Model):
    """One endpoint is to be told of one event. What it is told is worked out when it is sent, not kept here."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")
        DROPPED = "dropped", _("Dropped: no longer visible to the organisation")

    class Error(models.TextChoices):
        """Why an attempt failed. Never the receiver's own words."""

        NONE = "", _("None")
        STATUS = "status", _("The answer was not a success (2xx)")
        REDIRECT = "redirect", _("The answer was a redirect, which is not followed")
        GONE = "gone", _("The answer was 410 (Gone)")
        TIMEOUT = "timeout", _("It took too long")
        NAME = "name", _("The host name has no address")
        ADDRESS = "address", _("The address is not a public one")
        CONNECTION = "connection", _("No connection, or it broke")
        TLS = "tls", _("The certificate or the encryption was refused")
        PROTOCOL = "protocol", _("The answer was not HTTP")
        SECRET = "secret", _("The hub can't read the secret: rotate it")
        DISABLED = "disabled", _("The webhook was switched off")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("webhook"), db_index=False
    )
    event = models.CharField(_("event"), max_length=40, choices=EventType.choices)
    # Of the match, the re-matching or the signal; 0 of a test. A plain id: the row outlives what it speaks of.
    object_id = models.BigIntegerField(editable=False)
    # The piece of work that told of it. A test counts its own.
    source_id = models.BigIntegerField(editable=False)
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(
        _("next attempt"), db_default=Now(), help_text=_("While it is being sent: when somebody else may try.")
    )
    last_status = models.PositiveSmallIntegerField(_("last HTTP status"), null=True)
    last_error = models.CharField(_("last error"), max_length=20, choices=Error.choices, blank=True)
    attempted_at = models.DateTimeField(_("last attempt"), null=True)
    # The moment of the event; the same in every attempt.
    created_at = models.DateTimeField(_("event at"), db_default=Now())
    finished_at = models.DateTimeField(_("ended"), null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "source_id", "event", "object_id"], name="webhook_told_once"),
            models.CheckConstraint(
                condition=Q(state="waiting", finished_at=None) | ~Q(state="waiting") & Q(finished_at__isnull=False),
                name="webhook_delivery_ended",
            ),
        ]
        indexes = [
            # What is due next, for each endpoint.
            models.Index(fields=["endpoint", "due_at"], name="webhook_due", condition=Q(state="waiting")),
            # An endpoint's deliveries, newest first.
            models.Index(fields=["endpoint", "-id"], name="webhook_newest"),
            # The purge.
            models.Index(fields=["finished_at"], name="webhook_ended", condition=Q(finished_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.message_id

    @property
    def message_id(self) -> str:
        """The webhook-id of Standard Webhooks: one for all attempts, so that a receiver can leave out repetitions."""
        return f"msg_{self.uuid.hex}"
