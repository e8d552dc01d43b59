"""Sharing groups and the grants on them (floor 2)."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase  # noqa: TID251 - this is the one door to guardian

from accounts.actor import Actor
from sharing.visibility.tlp import CEILINGS, TLP

# Percent of a video's frames that must have a near frame in the other video, unless a sharing group says otherwise.
VIDEO_SHARE = 80


class Harm(models.TextChoices):
    HUMAN_TRAFFICKING = "human_trafficking", _("Human trafficking")
    PEOPLE_SMUGGLING = "people_smuggling", _("People smuggling")
    SEXUAL_EXPLOITATION = "sexual_exploitation", _("Sexual exploitation of adults")
    CHILD_EXPLOITATION = "child_exploitation", _("Sexual exploitation of children")
    LABOUR_EXPLOITATION = "labour_exploitation", _("Labour exploitation")
    FORCED_CRIMINALITY = "forced_criminality", _("Forced criminality")
    DOCUMENT_FRAUD = "document_fraud", _("Forged or stolen identity documents")
    OTHER = "other", _("Other")


class GroupPermission(models.TextChoices):
    """Codenames of the object permissions on a sharing group; each one includes those before it."""

    VIEW = "view_sharinggroup", _("may see its signals")
    CONTRIBUTE = "contribute_sharinggroup", _("may see and share signals")
    MANAGE = "manage_sharinggroup", _("may see, share and manage members")

    @property
    def with_included(self) -> list[GroupPermission]:
        levels = list(GroupPermission)
        return levels[: levels.index(self) + 1]

    @property
    def with_including(self) -> list[GroupPermission]:
        levels = list(GroupPermission)
        return levels[levels.index(self) :]


class SharingGroupQuerySet(models.QuerySet["SharingGroup"]):
    def visible_to(self, actor: Actor) -> SharingGroupQuerySet:
        """Active groups in which the actor's organisation may see signals."""
        if not actor.is_known:
            return self.none()
        granted = SharingGroupGrant.objects.filter(
            group__organisation=actor.organisation_id, permission__codename=GroupPermission.VIEW
        )
        return self.filter(status=SharingGroup.Status.ACTIVE, pk__in=granted.values("content_object"))


_PERCENT = [MinValueValidator(1), MaxValueValidator(100)]


class SharingGroup(models.Model):
    """Organisations that agreed to share for a purpose."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        CLOSED = "closed", _("Closed: nobody sees its signals through it")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=200, unique=True)
    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    purpose = models.TextField(_("purpose"), help_text=_("Why these organisations share, and on what legal basis."))
    harms = ArrayField(
        models.CharField(max_length=40, choices=Harm.choices),
        verbose_name=_("harms"),
        default=list,
        blank=True,
        help_text=_("Kinds of harm that belong here. Empty: all of them."),
    )
    max_tlp = models.CharField(
        _("highest TLP allowed"),
        max_length=20,
        choices=CEILINGS,
        default=TLP.AMBER,
        help_text=_("A stricter signal is refused at submission. TLP:RED never goes to a group."),
    )
    retention_days = models.PositiveIntegerField(
        _("default retention in days"),
        default=365,
        help_text=_("A signal that names no expiry date expires after this many days."),
    )
    # db_default: while an upgrade runs, the code before it adds groups without knowing these.
    video_query_share = models.PositiveSmallIntegerField(
        _("share of a new video's frames, percent"),
        default=VIDEO_SHARE,
        db_default=VIDEO_SHARE,
        validators=_PERCENT,
        help_text=_(
            "A new video matches one of this group's videos when at least so many of its frames have a near frame "
            "there. Lower also finds a long video that holds a known clip, and tells of more that do not belong "
            "together."
        ),
    )
    video_stored_share = models.PositiveSmallIntegerField(
        _("share of a known video's frames, percent"),
        default=VIDEO_SHARE,
        db_default=VIDEO_SHARE,
        validators=_PERCENT,
        help_text=_(
            "And at least so many of the known video's frames must have a near frame in the new one. Lower also finds "
            "a clip that was cut out of a known video."
        ),
    )
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    objects = SharingGroupQuerySet.as_manager()

    class Meta:
        verbose_name = _("sharing group")
        verbose_name_plural = _("sharing groups")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(video_query_share__range=(1, 100), video_stored_share__range=(1, 100)),
                name="group_video_shares_are_percent",
            )
        ]
        permissions = [
            ("contribute_sharinggroup", "Can contribute to sharing group"),
            ("manage_sharinggroup", "Can manage sharing group"),
        ]

    def __str__(self) -> str:
        return self.name


class Grant(GroupObjectPermissionBase):
    """An object permission of an organisation, and why it exists: guardian's direct-foreign-key table with a reason."""

    reason = models.TextField(_("reason"), help_text=_("Why this organisation may: an agreement, a case, a request."))
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("granted by"),
    )
    granted_at = models.DateTimeField(_("granted"), db_default=Now(), editable=False)

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = True


class SharingGroupGrant(Grant):
    content_object = models.ForeignKey(SharingGroup, on_delete=models.CASCADE, related_name="grants")

    class Meta(Grant.Meta):
        verbose_name = _("grant")
        verbose_name_plural = _("members and what they may do")
        constraints = [
            # guardian's own shortcuts know no reason: a grant made around the service is refused here.
            models.CheckConstraint(condition=~models.Q(reason=""), name="group_grant_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.group.organisation} {GroupPermission(self.permission.codename).label}"
