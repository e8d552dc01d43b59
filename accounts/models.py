"""Organisations, users and API clients (floor 1)."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Group, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.addresses import validate_network
from accounts.identifier_use import IdentifierAlert, IdentifierDay

__all__ = [
    "ApiClient",
    "ApiKey",
    "IdentifierAlert",
    "IdentifierDay",
    "Organisation",
    "Scope",
    "User",
    "all_scopes",
]


class Organisation(models.Model):
    class Kind(models.TextChoices):
        PLATFORM = "platform", _("Platform")
        AGENCY = "agency", _("Law-enforcement agency")
        NGO = "ngo", _("NGO or hotline")
        OPERATOR = "operator", _("Hub operator")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=200, unique=True)
    slug = models.SlugField(
        _("short name"),
        max_length=60,
        unique=True,
        help_text=_("How the API names this organisation. Members store it: don't change it later."),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    country = models.CharField(
        _("country"), max_length=2, blank=True, help_text=_("Two letters (ISO 3166), for example GB.")
    )
    status = models.CharField(
        _("status"),
        max_length=20,
        choices=Status.choices,
        default=Status.ACTIVE,
        help_text=_("Suspending cuts every session and API key of the organisation at its next request."),
    )
    plain_identifiers = models.BooleanField(
        _("may send identifiers in plain"),
        default=False,
        db_default=False,
        editable=False,
        help_text=_(
            "Off: it makes the tokens of e-mail addresses, phone numbers and so on itself, and the hub never sees the "
            "identifiers. On: it may also send them as they are, and the hub makes the tokens and forgets the rest. "
            "Use it only for organisations that can't run the client."
        ),
    )
    identifiers_per_day = models.PositiveIntegerField(
        _("identifiers a day"),
        null=True,
        blank=True,
        help_text=_(
            "How many identifiers it may have evaluated in a day (UTC), blinded or plain, all its programs and people "
            "together. Empty: the hub's usual quota. 0: none. Each one is a guess that it can test."
        ),
    )
    # Holds all object permissions of the organisation: guardian grants to groups.
    group = models.OneToOneField(Group, on_delete=models.PROTECT, editable=False, related_name="organisation")
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.group_id is None:
            # The name is never shown; the uuid keeps it unique when organisations are renamed.
            self.group = Group.objects.create(name=f"organisation {self.uuid}")
        super().save(*args, **kwargs)

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        fields.setdefault("role", User.Role.OWNER)
        if "organisation" not in fields:
            fields["organisation"], _created = Organisation.objects.get_or_create(
                slug="operator", defaults={"name": "Hub operator", "kind": Organisation.Kind.OPERATOR}
            )
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.select_related("organisation__group").get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        MANAGER = "manager", _("Manager")
        ANALYST = "analyst", _("Analyst")
        AUDITOR = "auditor", _("Auditor (reads only)")

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="users", verbose_name=_("organisation")
    )
    role = models.CharField(_("role"), max_length=20, choices=Role.choices, default=Role.ANALYST)
    time_zone = models.CharField(_("time zone"), max_length=60, default="UTC")
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(
        _("administers the hub"),
        default=False,
        help_text=_("May enter these pages. Counts only for members of an operator organisation."),
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_any_case"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.strip().lower()


class Scope(models.TextChoices):
    """What an API client may do. A person's role gives scopes too: accounts/actor.py."""

    READ_SIGNALS = "signals:read", _("Read signals")
    WRITE_SIGNALS = "signals:write", _("Submit, change and retract signals")
    READ_MATCHES = "matches:read", _("Read matches")
    REVIEW_MATCHES = "matches:review", _("Give verdicts on matches")
    LOOK_UP = "signals:lookup", _("Look up hashes and identifiers without submitting them")
    EVALUATE = "identifiers:evaluate", _("Have blinded identifiers evaluated, to make tokens of them")
    MANAGE_WEBHOOKS = "webhooks:manage", _("Manage webhooks")


def all_scopes() -> list[str]:
    return list(Scope.values)


class ApiClient(models.Model):
    """A program of a member. Its secrets are ApiKeys: two may live side by side while one replaces the other."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="api_clients", verbose_name=_("organisation")
    )
    name = models.CharField(_("name"), max_length=100)
    scopes = ArrayField(
        models.CharField(max_length=40, choices=Scope.choices), verbose_name=_("scopes"), default=all_scopes
    )
    allowed_networks = ArrayField(
        models.CharField(max_length=50, validators=[validate_network]),
        verbose_name=_("allowed networks"),
        default=list,
        blank=True,
        help_text=_("For example 203.0.113.0/24. Separate with commas. Empty: any address."),
    )
    rate_per_minute = models.PositiveIntegerField(
        _("requests a minute"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: the hub's usual limit."),
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")
        ordering = ["organisation__name", "name"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="api_client_name"),
        ]

    def __str__(self) -> str:
        return self.name


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self) -> ApiKeyQuerySet:
        return self.filter(
            models.Q(expires_at=None) | models.Q(expires_at__gt=Now()),
            revoked_at=None,
            client__revoked_at=None,
        )


class ApiKey(models.Model):
    """One secret of an API client: only its SHA-256 is kept. 256 random bits need no slow hash."""

    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="keys")
    prefix = models.CharField(_("begins with"), max_length=12, unique=True)
    secret_sha256 = models.BinaryField(max_length=32, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"hub_{self.prefix}_…"

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())
