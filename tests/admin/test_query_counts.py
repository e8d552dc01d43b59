"""No page of the admin asks the database once for each row: the same number of queries at 1, 10 and 60 rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.contrib.admin import site
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.actor import Actor
from accounts.identifier_use import IdentifierAlert, IdentifierDay
from accounts.models import ApiClient, ApiKey
from hub.audit.models import AuditEntry
from hub.audit.services import record
from hub.outbox.models import OutboxEvent
from sharing.matching.floods.models import Flood
from sharing.matching.models import Rematch
from sharing.matching.rematches import start_rematch
from sharing.matching.thresholds import NearThreshold
from sharing.notifications.models import WebhookDelivery
from sharing.notifications.services import create_webhook
from sharing.signals.indicators import Indicator
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from tests import factories

pytestmark = pytest.mark.django_db

SIZES = (1, 10, 60)
Grow = Callable[[int], object]


@pytest.fixture(autouse=True)
def _content_types_are_known(db: None) -> None:
    """Django reads them once in the life of a process: the first page that a test opens must not pay for it."""
    ContentType.objects.clear_cache()
    ContentType.objects.get_for_models(*site._registry)


# Every page asks for the session and the person with organisation and group.
SIGNED_IN = 2


def grow_organisations(number: int) -> object:
    organisation = factories.make_organisation()
    factories.make_user(organisation)
    factories.make_client(organisation)
    return organisation


def grow_groups(number: int) -> object:
    group = factories.make_group()
    factories.give(factories.make_organisation(), group)
    return group


def grow_signals(number: int) -> object:
    organisation, group = factories.make_organisation(), factories.make_group()
    named = factories.make_organisation()
    factories.give(organisation, group)
    return factories.submit(organisation, group, named_organisations=(named.slug,))


def grow_floods(number: int) -> object:
    centre = Indicator.objects.create(signal_type="md5", value=number.to_bytes(16))
    operator = factories.make_operator().user
    return Flood.objects.create(
        centre=centre,
        signals=1_001,
        witnesses=[centre.pk],
        decision="excluded",
        reason="Blank.",
        decided_by=operator,
        decided_until=timezone.now() + timedelta(days=1),
    )


def grow_audit(number: int) -> object:
    kinds = ("organisation", "signal", "user", "nothing")
    record(
        actor=factories.make_operator(), action=f"test.{number}", object_type=kinds[number % 4], object_id=str(number)
    )
    return AuditEntry.objects.latest("pk")


def grow_work(number: int) -> object:
    return OutboxEvent.objects.create(topic="signals.changed", payload={"signals": [number]})


def grow_thresholds(number: int) -> object:
    # There are but a few types; rows of unknown ones stand for more of them.
    return NearThreshold.objects.create(signal_type=f"type-{number}", threshold=1, reason="To grow.")


def grow_rematches(number: int) -> object:
    if number % 2:
        return start_rematch(actor=factories.make_operator(), reason="A threshold changed.")
    return Rematch.objects.create(cause="sight", for_organisation=factories.make_organisation())


def grow_identifier_days(number: int) -> object:
    organisation = factories.make_organisation()
    return IdentifierDay.objects.create(organisation=organisation, day=timezone.localdate(), identifiers=number)


def grow_identifier_alerts(number: int) -> object:
    return IdentifierAlert.objects.create(
        organisation=factories.make_organisation(),
        day=timezone.localdate(),
        cause="share",
        identifiers=number,
        quota=number,
        acknowledged_at=timezone.now(),
        acknowledged_by=factories.make_operator().user,
    )


def grow_webhooks(number: int) -> object:
    organisation = factories.make_organisation()
    made = create_webhook(
        actor=factories.actor_for(organisation), url="https://hooks.example.org/hub", events=["match.found"]
    )
    return WebhookDelivery.objects.create(
        endpoint=made.endpoint, event="match.found", object_id=number, source_id=number
    )


LISTS: dict[str, tuple[Grow, int]] = {
    # the page with both counts in it; how many
    "accounts_organisation": (grow_organisations, SIGNED_IN + 2),
    # the page; how many; the organisations of the filter
    "accounts_user": (grow_organisations, SIGNED_IN + 3),
    # the page with organisations; how many; the organisations of the filter
    "accounts_identifierday": (grow_identifier_days, SIGNED_IN + 3),
    # the page with organisations and people; how many; the organisations of the filter
    "accounts_identifieralert": (grow_identifier_alerts, SIGNED_IN + 3),
    # the page with live keys and last use; how many; the organisations of the filter
    "accounts_apiclient": (grow_organisations, SIGNED_IN + 3),
    # the page with members; how many; the organisations of the filter
    "sharing_sharinggroup": (grow_groups, SIGNED_IN + 3),
    # the page with who set it; how many
    "sharing_nearthreshold": (grow_thresholds, SIGNED_IN + 2),
    # the page; its groups; its named organisations; how many; organisations and groups of the filters
    "sharing_signal": (grow_signals, SIGNED_IN + 6),
    # the page with indicators and deciders; how many
    "sharing_flood": (grow_floods, SIGNED_IN + 2),
    # the page; how many; the actions of the filter
    "audit_auditentry": (grow_audit, SIGNED_IN + 3),
    # the page; how many
    "outbox_outboxevent": (grow_work, SIGNED_IN + 2),
    # the page with organisations and people; how many
    "sharing_rematch": (grow_rematches, SIGNED_IN + 2),
    # the page with what waits; how many; the organisations of the filter
    "sharing_webhookendpoint": (grow_webhooks, SIGNED_IN + 3),
    # the page with endpoints and organisations; how many
    "sharing_webhookdelivery": (grow_webhooks, SIGNED_IN + 2),
}


def grown(grow: Grow) -> Iterator[int]:
    made = 0
    for size in SIZES:
        while made < size:
            made += 1
            grow(made)
        yield size


@pytest.mark.parametrize("name", LISTS)
def test_lists(queries: Callable[[str], int], operator: Actor, name: str) -> None:
    grow, expected = LISTS[name]
    address = reverse(f"admin:{name}_changelist")
    assert {size: queries(address) for size in grown(grow)} == dict.fromkeys(SIZES, expected)


@pytest.mark.parametrize(
    "query", ["accounts_user?q=a", "accounts_apiclient?q=a", "sharing_sharinggroup?q=a", "accounts_organisation?q=a"]
)
def test_searches(queries: Callable[[str], int], operator: Actor, query: str) -> None:
    name, _, text = query.partition("?")
    grow, expected = LISTS[name]
    address = reverse(f"admin:{name}_changelist") + f"?{text}"
    assert {size: queries(address) for size in grown(grow)} == dict.fromkeys(SIZES, expected)


def change(name: str, pk: int) -> str:
    return reverse(f"admin:{name}_change", args=[pk])


def test_a_group_with_many_members(queries: Callable[[str], int], operator: Actor) -> None:
    group = factories.make_group()
    address = change("sharing_sharinggroup", group.pk)

    def grow(number: int) -> object:
        return factories.give(factories.make_organisation(), group, "manage")

    # The group; its grants with organisation, permission and giver.
    assert {size: queries(address) for size in grown(grow)} == dict.fromkeys(SIZES, SIGNED_IN + 2)


def test_saving_a_group_with_many_members(admin: Client, operator: Actor) -> None:
    group = factories.make_group()
    address = change("sharing_sharinggroup", group.pk)
    form = {"name": group.name, "purpose": "", "max_tlp": "AMBER", "retention_days": 1}
    form |= {"video_query_share": 80, "video_stored_share": 80}
    form |= {"grants-TOTAL_FORMS": 1, "grants-INITIAL_FORMS": 0, "grants-0-level": "view_sharinggroup"}
    counts = {}
    for size in grown(lambda _number: factories.give(factories.make_organisation(), group)):
        with CaptureQueriesContext(connection) as captured:
            assert admin.post(address, form | {"purpose": f"At {size}."}).status_code == 302
        counts[size] = len(captured)
    # The savepoint and its release; the group; its name is unique; the shares are percent, in a savepoint of its own;
    # the update; the audit.
    assert counts == dict.fromkeys(SIZES, SIGNED_IN + 9)
    assert SharingGroup.objects.get(pk=group.pk).purpose == "At 60."


def test_a_client_with_many_keys(queries: Callable[[str], int], operator: Actor) -> None:
    client = ApiClient.objects.create(organisation=factories.make_organisation(), name="Old")
    address = change("accounts_apiclient", client.pk)

    def grow(number: int) -> object:
        return ApiKey.objects.create(client=client, prefix=f"{number:012}", secret_sha256=b"x" * 32)

    # The client with its organisation; its keys.
    assert {size: queries(address) for size in grown(grow)} == dict.fromkeys(SIZES, SIGNED_IN + 2)


def test_a_signal_with_a_wide_audience(queries: Callable[[str], int], operator: Actor) -> None:
    organisation = factories.make_organisation()

    def measured() -> Iterator[tuple[int, int]]:
        groups: list[SharingGroup] = []
        named: list[str] = []
        for size in SIZES:
            while len(groups) < size:
                groups.append(factories.make_group())
                factories.give(organisation, groups[-1])
                named.append(factories.make_organisation().slug)
            signal = factories.submit(organisation, *groups, named_organisations=tuple(named))
            yield size, queries(change("sharing_signal", signal.pk))

    # The signal with its organisation; its groups; its named organisations; the entry in the audit.
    assert dict(measured()) == dict.fromkeys(SIZES, SIGNED_IN + 4)


@pytest.mark.parametrize(
    ("name", "grow", "expected"),
    [
        # The object itself; its identifiers of today.
        ("accounts_organisation", grow_organisations, SIGNED_IN + 2),
        # The object itself; the organisation of a person is read with the person.
        ("accounts_user", lambda number: factories.make_user(), SIGNED_IN + 1),
        ("audit_auditentry", grow_audit, SIGNED_IN + 1),
        ("outbox_outboxevent", grow_work, SIGNED_IN + 1),
    ],
)
def test_an_object_among_many(
    queries: Callable[[str], int], operator: Actor, name: str, grow: Grow, expected: int
) -> None:
    first = grow(0)
    address = change(name, first.pk)  # type: ignore[attr-defined]
    assert {size: queries(address) for size in grown(grow)} == dict.fromkeys(SIZES, expected)


@pytest.mark.parametrize(
    "name", ["accounts_organisation", "accounts_user", "accounts_apiclient", "sharing_sharinggroup"]
)
def test_forms_for_new_objects_load_no_choices(queries: Callable[[str], int], operator: Actor, name: str) -> None:
    address = reverse(f"admin:{name}_add")
    assert {size: queries(address) for size in grown(grow_organisations)} == dict.fromkeys(SIZES, SIGNED_IN)


def test_the_index(queries: Callable[[str], int], operator: Actor) -> None:
    assert {size: queries("/admin/") for size in grown(grow_signals)} == dict.fromkeys(SIZES, SIGNED_IN)
    assert Signal.objects.count() == SIZES[-1]
