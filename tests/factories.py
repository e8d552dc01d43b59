"""Small makers of members, groups and signals for tests. Each takes what matters to the test and fills in the rest."""

from __future__ import annotations

import itertools
import secrets
from typing import Any

from accounts.actor import Actor, actor_of_client, actor_of_user
from accounts.models import ApiClient, Organisation, User, all_scopes
from accounts.services import issue_key
from sharing.matching.services import match_signals
from sharing.signals.inputs import IndicatorInput, SignalInput
from sharing.signals.models import Signal
from sharing.signals.services import submit_signal
from sharing.visibility.models import GroupPermission, SharingGroup
from sharing.visibility.services import grant_access

PASSWORD = "correct horse battery staple"
_number = itertools.count(1)


def make_organisation(slug: str = "", kind: str = "platform", **fields: Any) -> Organisation:
    """It may send identifiers in plain, so that a test of something else need not blind them."""
    slug = slug or f"organisation-{next(_number)}"
    fields.setdefault("plain_identifiers", True)
    return Organisation.objects.create(slug=slug, name=fields.pop("name", slug.title()), kind=kind, **fields)


def make_user(organisation: Organisation | None = None, role: str = "analyst", **fields: Any) -> User:
    email = fields.pop("email", f"person-{next(_number)}@example.org")
    return User.objects.create_user(
        email, PASSWORD, organisation=organisation or make_organisation(), role=role, **fields
    )


def make_operator() -> Actor:
    """An administrator of the hub; the same one within a test."""
    organisation, _ = Organisation.objects.get_or_create(
        slug="operator", defaults={"name": "Operator", "kind": Organisation.Kind.OPERATOR}
    )
    user = User.objects.filter(organisation=organisation, is_staff=True).first()
    return actor_of_user(user or make_user(organisation, role="owner", is_staff=True))


def make_client(organisation: Organisation, **fields: Any) -> tuple[ApiClient, str]:
    """An API client and the text of a live key."""
    fields.setdefault("name", f"client-{next(_number)}")
    fields.setdefault("scopes", all_scopes())
    client = ApiClient.objects.create(organisation=organisation, **fields)
    return client, issue_key(actor=make_operator(), client=client).text


def actor_for(organisation: Organisation) -> Actor:
    """A fresh actor of the organisation, as each request makes one."""
    client = ApiClient.objects.filter(organisation=organisation).first() or make_client(organisation)[0]
    return actor_of_client(ApiClient.objects.select_related("organisation__group").get(pk=client.pk))


def make_group(slug: str = "", **fields: Any) -> SharingGroup:
    slug = slug or f"group-{next(_number)}"
    fields.setdefault("purpose", "Testing together.")
    return SharingGroup.objects.create(slug=slug, name=fields.pop("name", slug.title()), **fields)


def give(organisation: Organisation, group: SharingGroup, permission: str = "contribute") -> None:
    """`permission` is view, contribute or manage."""
    grant_access(
        actor=make_operator(),
        sharing_group=group,
        organisation=organisation,
        permission=GroupPermission[permission.upper()],
        reason="They signed the agreement.",
    )


def signal_input(*groups: SharingGroup, **fields: Any) -> SignalInput:
    """A content signal with a random SHA-256; `indicators` may be (type, value) pairs."""
    pairs = fields.pop("indicators", [("sha256", secrets.token_hex(32))])
    values: dict[str, Any] = {
        "kind": "content",
        "harm": "human_trafficking",
        "severity": "high",
        "tlp": "AMBER",
        "sharing_groups": tuple(group.slug for group in groups),
        "indicators": tuple(pair if isinstance(pair, IndicatorInput) else IndicatorInput(*pair) for pair in pairs),
    }
    return SignalInput(**{**values, **fields})


def submit(organisation: Organisation, *groups: SharingGroup, match: bool = False, **fields: Any) -> Signal:
    """Submit as the organisation; `match` also does at once what the worker would do."""
    signal = submit_signal(actor=actor_for(organisation), item=signal_input(*groups, **fields)).signal
    assert signal is not None
    if match:
        match_signals([signal.pk])
    return signal
