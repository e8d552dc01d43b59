"""The register of signals, the audit and the work to do: what the admin shows and never changes."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actor import Actor
from hub.admin import counting
from hub.audit.models import AuditEntry
from hub.audit.selectors import values_in_use
from hub.audit.services import record
from hub.outbox.models import OutboxEvent
from sharing.signals.models import Signal
from tests import factories

pytestmark = pytest.mark.django_db

SIGNALS = "/admin/sharing/signal/"
AUDIT = "/admin/audit/auditentry/"
WORK = "/admin/outbox/outboxevent/"
HASH = "5d41402abc4b2a76b9719d911017c592"


@pytest.fixture
def signal(db: None) -> Signal:
    alpha, group = factories.make_organisation("alpha"), factories.make_group("watch")
    factories.make_organisation("beta")
    factories.give(alpha, group)
    return factories.submit(
        alpha,
        group,
        named_organisations=("beta",),
        summary="A secret summary",
        lawful_basis="A secret basis",
        external_id="secret-reference",
        indicators=[("md5", HASH)],
    )


def test_the_register_tells_who_shared_what_with_whom(admin: Client, signal: Signal) -> None:
    for address in (SIGNALS, f"{SIGNALS}{signal.pk}/change/"):
        page = admin.get(address).content.decode()
        for told in (str(signal.uuid), "Alpha", "Watch", "Beta", "Human trafficking", "High", "AMBER", "active"):
            assert told in page, (address, told)


def test_the_register_shows_and_reads_nothing_of_the_content(admin: Client, signal: Signal) -> None:
    for address in (SIGNALS, f"{SIGNALS}{signal.pk}/change/", f"{SIGNALS}?q={signal.uuid}", f"{SIGNALS}?state=active"):
        with CaptureQueriesContext(connection) as captured:
            page = admin.get(address).content.decode()
        for secret in ("secret", HASH, HASH.upper()):
            assert secret not in page, address
        for query in captured:
            for column in ("summary", "external_id", "lawful_basis", "sharing_indicator"):
                assert column not in query["sql"], query["sql"]


@pytest.mark.parametrize(
    "address",
    [
        f"{SIGNALS}?summary__startswith=A",
        f"{SIGNALS}?external_id=secret-reference",
        f"{SIGNALS}?indicators__value__isnull=False",
        f"{SIGNALS}?organisation__users__password__startswith=p",
        "/admin/accounts/user/?password__startswith=p",
        "/admin/accounts/apiclient/?keys__secret_sha256__isnull=False",
        f"{AUDIT}?reason__contains=a",
    ],
)
def test_hidden_columns_are_reached_by_no_lookup_in_the_address(admin: Client, signal: Signal, address: str) -> None:
    """Each would answer yes or no, letter by letter."""
    assert admin.get(address).status_code == 400


def test_opening_a_signal_is_written_down(admin: Client, operator: Actor, signal: Signal) -> None:
    admin.get(f"{SIGNALS}{signal.pk}/change/")
    entry = AuditEntry.objects.get(action="signal.register_opened")
    assert (entry.object_id, entry.user_id) == (str(signal.uuid), operator.user_id)
    admin.get(SIGNALS)
    assert AuditEntry.objects.filter(action="signal.register_opened").count() == 1


def test_signals_are_searched_by_a_whole_uuid_only(admin: Client, signal: Signal) -> None:
    assert str(signal.uuid) in admin.get(SIGNALS, {"q": f" {signal.uuid} "}).content.decode()
    for term in (str(signal.uuid)[:8], "secret", "Alpha", HASH):
        assert str(signal.uuid) not in admin.get(SIGNALS, {"q": term}).content.decode()


@pytest.mark.parametrize("state", ["active", "expired", "retracted"])
def test_signals_are_filtered_by_state(admin: Client, signal: Signal, state: str) -> None:
    now = timezone.now()
    changes = {"expired": {"expires_at": now - timedelta(days=1)}, "retracted": {"retracted_at": now}}
    Signal.objects.filter(pk=signal.pk).update(**changes.get(state, {}))
    for asked in ("active", "expired", "retracted"):
        assert (str(signal.uuid) in admin.get(SIGNALS, {"state": asked}).content.decode()) is (asked == state)


def test_signals_are_filtered_by_organisation_and_group(admin: Client, signal: Signal) -> None:
    group = signal.groups.get()
    both = {"organisation__id__exact": signal.organisation_id, "group": group.pk, "harm__exact": signal.harm}
    assert str(signal.uuid) in admin.get(SIGNALS, both).content.decode()
    other = factories.make_organisation()
    assert str(signal.uuid) not in admin.get(SIGNALS, both | {"organisation__id__exact": other.pk}).content.decode()


def test_the_audit_is_filtered_by_action_and_searched_by_object(admin: Client, signal: Signal) -> None:
    found = admin.get(AUDIT, {"q": str(signal.uuid)}).content.decode()
    assert "signals.submitted" in found and "group.granted" not in found.split("<tbody>")[1].split("</tbody>")[0]
    assert f"/admin/sharing/signal/{signal.uuid}/change/" in found
    rows = admin.get(AUDIT, {"action": "group.granted"}).content.decode().split("<tbody>")[1].split("</tbody>")[0]
    assert "group.granted" in rows and "signals.submitted" not in rows
    assert "no single object" not in rows
    today = admin.get(AUDIT, {"at__gte": str(timezone.now() - timedelta(days=1))})
    assert "signals.submitted" in today.content.decode()


def test_the_actions_on_offer_are_those_in_use(operator: Actor) -> None:
    assert values_in_use("action") == []
    for action in ("b", "a", "b", "c", "a"):
        record(actor=operator, action=action)
    assert values_in_use("action") == ["a", "b", "c"]


def test_an_audit_entry_is_shown_with_its_detail_and_can_be_changed_by_nobody(admin: Client, operator: Actor) -> None:
    record(actor=operator, action="test.done", reason="<b>Because</b>", note="<script>alert(1)</script>")
    entry = AuditEntry.objects.get(action="test.done")
    page = admin.get(f"{AUDIT}{entry.pk}/change/").content.decode()
    assert "&lt;script&gt;" in page and "<script>alert" not in page and "&lt;b&gt;" in page
    for method in ("change", "delete"):
        assert admin.post(f"{AUDIT}{entry.pk}/{method}/", {"action": "forged", "post": "yes"}).status_code == 403
    assert AuditEntry.objects.filter(action="test.done").count() == 1


def test_work_is_handed_over_again(admin: Client, signal: Signal) -> None:
    later = timezone.now() + timedelta(hours=1)
    OutboxEvent.objects.exclude(topic="signals.changed").delete()
    OutboxEvent.objects.update(due_at=later, attempts=3, last_error="OperationalError")
    done = OutboxEvent.objects.create(topic="signals.changed", payload={"signals": []}, done_at=timezone.now())
    page = admin.get(WORK, {"state": "failed"}).content.decode()
    assert "failed, will be tried again" in page and "OperationalError" in page
    chosen = {"action": "hand_over", "_selected_action": list(OutboxEvent.objects.values_list("pk", flat=True))}
    answer = admin.post(WORK, chosen, follow=True).content.decode()
    assert "1 piece of work is due now." in answer
    assert OutboxEvent.objects.get(done_at=None).due_at <= timezone.now()
    assert AuditEntry.objects.get(action="outbox.handed_over").detail == {"count": 1}
    nothing = admin.post(WORK, {"action": "hand_over", "_selected_action": [done.pk]}, follow=True)
    assert "Nothing to do" in nothing.content.decode()


def test_long_lists_are_counted_to_a_limit(admin: Client, operator: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "COUNT_CAP", 120)
    for _number in range(130):
        record(actor=operator, action="test.done")
    with CaptureQueriesContext(connection) as captured:
        page = admin.get(AUDIT).content.decode()
    assert "more than 120 audit entries" in page
    counts = [query["sql"] for query in captured if "COUNT(" in query["sql"]]
    assert len(counts) == 1 and "LIMIT 121" in counts[0]
    assert admin.get(AUDIT, {"p": 3}).status_code == 200


def test_times_are_by_the_clock_of_24_hours_with_their_zone_and_in_the_audit_to_the_second(admin: Client) -> None:
    organisation = factories.make_organisation()
    factories.make_client(organisation)
    minute = r"\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d"
    assert re.search(rf"{minute} UTC", admin.get("/admin/accounts/organisation/").content.decode())
    page = admin.get("/admin/audit/auditentry/").content.decode()
    assert re.search(rf"{minute}:\d\d UTC", page)
    assert not re.search(r"[ap]\.m\.", page)
