"""Writes on organisations, people, API clients and keys (floor 1)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zoneinfo
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.actor import Actor, actor_of_client
from accounts.addresses import is_within
from accounts.models import ApiClient, ApiKey, Organisation, User
from accounts.selectors import Also, live_key
from hub.audit.services import record
from hub.errors import Conflict, Invalid, NotPermitted, Problem
from hub.outbox.services import emit
from hub.words import require_no_identifier

# {"organisations": [ids], "group": id or None}: they can see signals that they could not see before.
VISIBILITY_GAINED = "visibility.gained"
MAX_LIVE_KEYS = 2
LAST_USED_STEP = timedelta(minutes=1)
_KEY = re.compile(r"hub_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class NewKey:
    key: ApiKey
    # Shown once and kept nowhere.
    text: str


def require_oversight(actor: Actor) -> None:
    if not actor.oversees:
        raise NotPermitted("Only an administrator of the hub may do this.")


def issue_key(*, actor: Actor, client: ApiClient, expires_at: datetime | None = None) -> NewKey:
    """A new key for a client that has at most one live key; revoke one first when there are two (Conflict)."""
    require_oversight(actor)
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with transaction.atomic():
        if ApiClient.objects.select_for_update().get(pk=client.pk).revoked_at is not None:
            raise Conflict("This client was revoked. Make a new client.")
        if ApiKey.objects.live().filter(client=client).count() >= MAX_LIVE_KEYS:
            raise Conflict("This client has two live keys. Revoke one of them first.")
        key = ApiKey.objects.create(client=client, prefix=prefix, secret_sha256=_digest(secret), expires_at=expires_at)
        record(actor=actor, action="api_key.issued", object_type="api_client", object_id=client.uuid, prefix=prefix)
    return NewKey(key, f"hub_{prefix}_{secret}")


def revoke_key(*, actor: Actor, key: ApiKey, reason: str) -> None:
    """Cut one key; it is refused from the next request on."""
    require_oversight(actor)
    require_no_identifier(reason, "/reason")
    with transaction.atomic():
        ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now())
        record(
            actor=actor,
            action="api_key.revoked",
            object_type="api_client",
            object_id=key.client.uuid,
            reason=reason,
            prefix=key.prefix,
        )


def revoke_client(*, actor: Actor, client: ApiClient, reason: str) -> None:
    """Cut a client with all its keys, for good."""
    require_oversight(actor)
    require_no_identifier(reason, "/reason")
    with transaction.atomic():
        ApiClient.objects.filter(pk=client.pk, revoked_at=None).update(revoked_at=Now())
        record(
            actor=actor,
            action="api_client.revoked",
            object_type="api_client",
            object_id=client.uuid,
            reason=reason,
        )


def set_status(*, actor: Actor, organisation: Organisation, status: str, reason: str) -> None:
    """Suspend an organisation, or let it back in. Every key and session is judged by this at its next request."""
    require_oversight(actor)
    require_no_identifier(reason, "/reason")
    if actor.organisation_id == organisation.pk and status != Organisation.Status.ACTIVE:
        raise Conflict("You can't suspend your own organisation: nobody could undo it.")
    with transaction.atomic():
        changed = Organisation.objects.filter(pk=organisation.pk).exclude(status=status).update(status=status)
        if changed and status == Organisation.Status.ACTIVE:
            emit(VISIBILITY_GAINED, {"organisations": [organisation.pk], "group": None})
        record(
            actor=actor,
            action=f"organisation.{status}",
            object_type="organisation",
            object_id=organisation.uuid,
            reason=reason,
        )


def change_profile(*, actor: Actor, name: str, time_zone: str) -> None:
    """A person's own name and time zone (a name of the IANA database; Invalid when there is none such)."""
    if actor.user is None or not actor.is_known:
        raise NotPermitted("Only a signed-in person has a profile.")
    try:
        zoneinfo.ZoneInfo(time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        problem = Problem("/time_zone", "unknown_time_zone", "There is no such time zone.", "Choose one of the list.")
        raise Invalid([problem]) from None
    with transaction.atomic():
        User.objects.filter(pk=actor.user.pk).update(name=name.strip(), time_zone=time_zone)
        record(actor=actor, action="user.profile_changed", object_type="user", object_id=actor.user_id)


def set_active(*, actor: Actor, user: User, active: bool, reason: str) -> None:
    """Let a person sign in, or no longer; an open session ends at its next request."""
    require_oversight(actor)
    require_no_identifier(reason, "/reason")
    if actor.user_id == user.pk and not active:
        raise Conflict("You can't deactivate your own account: ask another administrator.")
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=active)
        action = "user.activated" if active else "user.deactivated"
        record(actor=actor, action=action, object_type="user", object_id=user.pk, reason=reason)


def set_password(*, actor: Actor, user: User, password: str) -> None:
    """Give a person a new password, already checked against the rules; ends that person's sessions."""
    require_oversight(actor)
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        record(actor=actor, action="user.password_set", object_type="user", object_id=user.pk)


def actor_of_key(text: str, *also: Also, address: str) -> Actor | None:
    """The actor that a key stands for, or None: unknown, expired, revoked, suspended or from a wrong network.

    The reasons are not told apart, so that a stolen key learns nothing. What `also` asks for, in the same query, the
    actor remembers.
    """
    parts = _KEY.fullmatch(text)
    if parts is None:
        return None
    prefix, secret = parts.groups()
    found = live_key(prefix, *also)
    if found is None or not hmac.compare_digest(bytes(found.key.secret_sha256), _digest(secret)):
        return None
    actor = actor_of_client(found.client, key_id=found.key.pk, address=address)
    if not actor.is_known or not is_within(address, found.client.allowed_networks):
        return None
    actor.remembered.update(found.also)
    _note_use(found.key)
    return actor


def asked_again(actor: Actor) -> Actor:
    """The same API client's actor with the rights that it has now: for work that takes longer than a request should."""
    live = ApiKey.objects.live().filter(pk=actor.key_id or 0).select_related("client__organisation__group").first()
    if live is None or not is_within(actor.address, live.client.allowed_networks):
        return Actor(organisation=None, address=actor.address)
    return actor_of_client(live.client, key_id=actor.key_id, address=actor.address)


def _note_use(key: ApiKey) -> None:
    """One write a minute at most: a busy client must not turn each of its reads into a write."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - LAST_USED_STEP:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_STEP)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
