"""The cast of the visibility matrix: one signal in one group, and everybody who might ask for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from accounts.actor import ANONYMOUS, Actor, actor_of_user
from accounts.models import ApiClient, ApiKey, Organisation, User
from sharing.matching.floods.models import Flood, FloodNotice
from sharing.matching.models import Match, Rematch
from sharing.notifications.models import WebhookDelivery
from sharing.notifications.services import create_webhook
from sharing.signals.bulk.models import BulkUpload, digest_of_key
from sharing.signals.indicators import Indicator
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from tests import factories

BULK_KEY = "the-first-upload"
SHARED_HASH = "5d41402abc4b2a76b9719d911017c592"
WHO = (
    "submitter",
    "viewer",
    "contributor",
    "manager",
    "outsider",
    "suspended",
    "expired",
    "operator",
    "anonymous",
)
# Those with a working key or session.
KNOWN = ("submitter", "viewer", "contributor", "manager", "outsider", "operator")
IN_GROUP = ("submitter", "viewer", "contributor", "manager")


@dataclass(frozen=True)
class Scene:
    group: SharingGroup
    # Submitted by the submitter; the contributor's `other` matches it, so every member has a match about `other`.
    signal: Signal
    other: Signal
    actors: dict[str, Actor]
    users: dict[str, User]
    keys: dict[str, str] = field(repr=False)

    def found_later(self) -> Rematch:
        """Everybody's match is one that a re-matching found."""
        rematch = Rematch.objects.create(reason="A new rule.")
        Match.objects.filter(signal=self.other).update(rematch=rematch)
        return rematch

    def told_of_by_webhook(self) -> WebhookDelivery:
        """The viewer has a webhook, and was told of its match by it."""
        viewer = self.actors["viewer"].organisation
        assert viewer is not None
        made = create_webhook(
            actor=factories.actor_for(viewer), url="https://hooks.example.org/viewer", events=["match.found"]
        )
        return WebhookDelivery.objects.create(
            endpoint=made.endpoint,
            event="match.found",
            object_id=Match.objects.get(recipient=viewer).pk,
            source_id=1,
            state=WebhookDelivery.State.DELIVERED,
            finished_at=timezone.now(),
        )

    def bulk_upload(self) -> BulkUpload:
        """The submitter has sent one."""
        client = ApiClient.objects.filter(organisation__slug="submitter").first()
        assert client is not None
        return BulkUpload.objects.get_or_create(
            client=client, key_sha256=digest_of_key(BULK_KEY), defaults={"organisation": client.organisation}
        )[0]

    def match_of(self, who: str) -> Match | None:
        return Match.objects.filter(recipient=self.actors[who].organisation_id).first()


def make_scene() -> Scene:
    group = factories.make_group("watch")
    organisations = {who: factories.make_organisation(who) for who in WHO if who not in ("operator", "anonymous")}
    organisations["operator"] = factories.make_operator().organisation  # type: ignore[assignment]
    for who, permission in (
        ("submitter", "contribute"),
        ("viewer", "view"),
        ("contributor", "contribute"),
        ("manager", "manage"),
        ("suspended", "contribute"),
        ("expired", "contribute"),
    ):
        factories.give(organisations[who], group, permission)
    keys = {who: factories.make_client(organisation)[1] for who, organisation in organisations.items()}
    users = {
        who: factories.make_user(organisation, role="owner", is_staff=who == "operator")
        for who, organisation in organisations.items()
    }
    signal = factories.submit(
        organisations["submitter"], group, summary="Sees this?", external_id="own-1", indicators=[("md5", SHARED_HASH)]
    )
    other = factories.submit(organisations["contributor"], group, match=True, indicators=[("md5", SHARED_HASH)])
    # And all were told of the two as a flood.
    shown = Indicator.objects.get(signal_type="md5")
    flood = Flood.objects.create(centre=shown, signals=1_001, witnesses=[shown.pk])
    FloodNotice.objects.bulk_create(
        FloodNotice(recipient=told, flood=flood, indicator=shown, told=2, newest=[other.pk, signal.pk])
        for told in organisations.values()
    )
    # Only now: they had been in the group, and were told of the match.
    Organisation.objects.filter(slug="suspended").update(status=Organisation.Status.SUSPENDED)
    ApiKey.objects.filter(client__organisation__slug="expired").update(expires_at=timezone.now() - timedelta(seconds=1))
    User.objects.filter(organisation__slug="expired").update(is_active=False)
    actors = {
        who: actor_of_user(User.objects.select_related("organisation__group").get(pk=user.pk))
        for who, user in users.items()
    }
    return Scene(group, signal, other, {**actors, "anonymous": ANONYMOUS}, users, keys)
