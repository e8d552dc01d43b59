"""manage.py demo_data: fictional members for a demonstration (floor 7)."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.actor import Actor, actor_of_user
from accounts.identifier_quota import allow_plain_identifiers
from accounts.models import ApiClient, Organisation, User
from accounts.services import actor_of_key, issue_key, revoke_key
from sharing.visibility.models import GroupPermission, SharingGroup
from sharing.visibility.services import grant_access

GROUP: Final = "trafficking-watch"
ORGANISATIONS: Final = [
    ("operator", "Hub operator", Organisation.Kind.OPERATOR, None),
    ("alpha", "Alpha Social", Organisation.Kind.PLATFORM, GroupPermission.CONTRIBUTE),
    ("beta", "Beta Video", Organisation.Kind.PLATFORM, GroupPermission.CONTRIBUTE),
    ("gamma", "Gamma Market", Organisation.Kind.PLATFORM, None),
    ("agency", "National agency (demo)", Organisation.Kind.AGENCY, GroupPermission.VIEW),
]
# Sends identifiers as they are; the others make tokens of them.
PLAIN: Final = "alpha"
USERS: Final = [
    ("admin@operator.example", "operator", User.Role.OWNER, True),
    ("analyst@agency.example", "agency", User.Role.ANALYST, False),
    ("analyst@alpha.example", "alpha", User.Role.ANALYST, False),
    ("analyst@beta.example", "beta", User.Role.ANALYST, False),
]


class Command(BaseCommand):
    help = "Makes fictional organisations, people, keys and a sharing group. Only with HUB_DEMO=1. May be repeated."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one line of JSON")
        parser.add_argument("--keep", type=Path, help="file (0600) in which passwords and keys survive until next time")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This makes accounts with known passwords. Set HUB_DEMO=1 if you really want them.")
        keep: Path | None = options["keep"]
        kept = json.loads(keep.read_text()) if keep and keep.exists() else {}
        with transaction.atomic():
            made = make(kept)
        if keep:
            _write_private(keep, made)
        self.stdout.write(json.dumps(made) if options["json"] else json.dumps(made, indent=2))


def make(kept: dict[str, Any]) -> dict[str, Any]:
    """Bring the database in line with the demonstration; secrets in `kept` stay as long as the database knows them."""
    organisations = {
        slug: Organisation.objects.get_or_create(slug=slug, defaults={"name": name, "kind": kind, "country": "GB"})[0]
        for slug, name, kind, _permission in ORGANISATIONS
    }
    passwords = {row["email"]: row["password"] for row in kept.get("users", [])}
    users = [_user(organisations[slug], email, role, staff, passwords.get(email)) for email, slug, role, staff in USERS]
    operator = actor_of_user(User.objects.select_related("organisation__group").get(email=USERS[0][0]))
    group, _created = SharingGroup.objects.get_or_create(
        slug=GROUP,
        defaults={"name": "Trafficking watch", "purpose": "A fictional agreement, for the demonstration."},
    )
    if not organisations[PLAIN].plain_identifiers:
        reason = "Has no client of its own, in the demonstration."
        allow_plain_identifiers(actor=operator, organisation=organisations[PLAIN], allowed=True, reason=reason)
    keys = {}
    for slug, _name, kind, permission in ORGANISATIONS:
        if permission is not None:
            grant_access(
                actor=operator,
                sharing_group=group,
                organisation=organisations[slug],
                permission=permission,
                reason="Member of the demonstration.",
            )
        if kind != Organisation.Kind.OPERATOR:
            old = kept.get("organisations", {}).get(slug, {}).get("api_key", "")
            keys[slug] = {"api_key": _key(operator, organisations[slug], old)}
    return {"organisations": keys, "users": users, "group": GROUP}


def _user(organisation: Organisation, email: str, role: str, staff: bool, password: str | None) -> dict[str, str]:
    user = User.objects.filter(email=email).first()
    if user is None or password is None or not user.check_password(password):
        password = password or secrets.token_urlsafe(12)
        user = user or User(email=email)
        user.organisation, user.role, user.is_staff = organisation, role, staff
        user.set_password(password)
        user.save()
    return {"email": email, "password": password, "role": role, "organisation": organisation.slug}


def _key(operator: Actor, organisation: Organisation, old: str) -> str:
    # A suspended organisation's key is refused whatever it is: it counts again when the organisation is let back in.
    if old and (not organisation.is_active or actor_of_key(old, address="127.0.0.1") is not None):
        return old
    client, _created = ApiClient.objects.get_or_create(organisation=organisation, name="demo")
    for key in client.keys.filter(revoked_at=None):
        revoke_key(actor=operator, key=key, reason="The demonstration lost it.")
    return issue_key(actor=operator, client=client).text


def _write_private(path: Path, content: dict[str, Any]) -> None:
    half = path.with_suffix(".half")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
    half.replace(path)
