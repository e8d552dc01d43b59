"""Audit entries (ground). Plain ids instead of foreign keys: the record outlives what it speaks of."""

from __future__ import annotations

from typing import Protocol

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _


class Accountable(Protocol):
    """What the audit needs to know of an actor; accounts.actor.Actor has it."""

    @property
    def organisation_id(self) -> int | None: ...
    @property
    def user_id(self) -> int | None: ...
    @property
    def client_id(self) -> int | None: ...
    @property
    def label(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def oversees(self) -> bool: ...
    @property
    def reads_own_audit(self) -> bool: ...


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def visible_to(self, actor: Accountable) -> AuditQuerySet:
        """Operators read all of it, an organisation's owners and auditors their own part, nobody else any."""
        if actor.oversees:
            return self
        if actor.reads_own_audit and actor.organisation_id is not None:
            return self.filter(organisation_id=actor.organisation_id)
        return self.none()


class AuditEntry(models.Model):
    at = models.DateTimeField(_("at"), auto_now_add=True)
    action = models.CharField(_("action"), max_length=60)
    organisation_id = models.BigIntegerField(_("organisation id"), null=True)
    user_id = models.BigIntegerField(_("user id"), null=True)
    client_id = models.BigIntegerField(_("API client id"), null=True)
    actor = models.TextField(_("who"), help_text=_("Name of the person or API client, then."))
    address = models.GenericIPAddressField(_("network address"), null=True)
    object_type = models.CharField(_("object type"), max_length=60, blank=True)
    object_id = models.CharField(_("object id"), max_length=60, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-id"]
        indexes = [
            # An object's history; an organisation's own part of the record.
            models.Index(fields=["object_type", "object_id", "-id"], name="audit_object"),
            models.Index(fields=["organisation_id", "-id"], name="audit_organisation"),
            # The administrator's filter by what happened, and its list of choices.
            models.Index(fields=["action", "-id"], name="audit_action"),
            # A day out of years: rows lie in the order of time, so a few bytes for each range of pages are enough.
            BrinIndex(fields=["at"], name="audit_at", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}".strip()
