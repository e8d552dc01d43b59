"""Floods in the admin: decided for a reason and with an end, without reading what the members share."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actor import Actor
from hub.audit.models import AuditEntry
from hub.errors import Invalid, NotPermitted
from sharing.matching.floods.models import Flood
from sharing.matching.floods.services import decide_flood
from tests import factories

pytestmark = pytest.mark.django_db
HASH = "5d41402abc4b2a76b9719d911017c592"


@pytest.fixture
def flood() -> Flood:
    organisation, group = factories.make_organisation(), factories.make_group()
    factories.give(organisation, group)
    signal = factories.submit(organisation, group, indicators=[("md5", HASH)], summary="A secret summary")
    return Flood.objects.create(centre=signal.indicators.get(), signals=1_001, summarised=2_222, witnesses=[])


def day(days: int) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


def test_the_list_tells_counts_and_nothing_of_the_content(admin: Client, flood: Flood) -> None:
    for address in ("/admin/sharing/flood/", f"/admin/sharing/flood/{flood.pk}/change/"):
        with CaptureQueriesContext(connection) as captured:
            page = admin.get(address).content.decode()
        for told in (f"number {flood.centre_id}", "md5", "2222", "Summarise (the rule)"):
            assert told in page.replace(",", ""), (address, told)
        assert HASH not in page
        assert "secret" not in page
        assert not any('"sharing_indicator"."value"' in query["sql"] for query in captured)


def test_a_decision_is_kept_with_reason_end_and_who(admin: Client, flood: Flood, operator: Actor) -> None:
    page = admin.get(f"/admin/sharing/flood/{flood.pk}/change/").content.decode()
    assert f"/admin/sharing/flood/{flood.pk}/decide/" in page
    form = {"decision": "excluded", "reason": "A blank picture.", "until": day(30)}
    answer = admin.post(f"/admin/sharing/flood/{flood.pk}/decide/", form, follow=True)
    for said in ("The decision was saved.", "Exclude: tell nobody", "A blank picture."):
        assert said in answer.content.decode()
    flood.refresh_from_db()
    assert (flood.in_force, flood.decided_by) == ("excluded", operator.user)
    entry = AuditEntry.objects.get(action="flood.decided", object_id=str(flood.uuid))
    assert (entry.detail["before"], entry.detail["decision"], entry.reason) == ("open", "excluded", "A blank picture.")
    Flood.objects.filter(pk=flood.pk).update(decided_until=timezone.now())
    page = admin.get("/admin/sharing/flood/?decision=open").content.decode()
    assert f"number {flood.centre_id}" in page


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"decision": "excluded", "reason": "Blank."}, "A decision needs an end."),
        ({"decision": "excluded", "reason": "Blank.", "until": day(-2)}, "This end has passed."),
        ({"decision": "excluded", "reason": "Blank.", "until": day(500)}, "Choose a day within a year"),
        ({"decision": "excluded", "reason": "Blank.", "until": "9999-12-31"}, "Choose a day within a year"),
        ({"decision": "alerting", "reason": " ", "until": day(1)}, "This field is required."),
        ({"decision": "alerting", "reason": "ask a@example.org", "until": day(1)}, "seems to hold an e-mail address"),
        ({"decision": "open", "reason": "Over.", "until": day(1)}, "has no end"),
        ({"decision": "burn", "reason": "Over.", "until": day(1)}, "Select a valid choice"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_changes(
    admin: Client, flood: Flood, form: dict[str, str], said: str
) -> None:
    answer = admin.post(f"/admin/sharing/flood/{flood.pk}/decide/", form)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    flood.refresh_from_db()
    assert flood.decision == "open"
    assert not AuditEntry.objects.filter(action="flood.decided").exists()


def test_a_decision_is_taken_back_with_a_reason(admin: Client, flood: Flood, operator: Actor) -> None:
    until = timezone.now() + timedelta(days=3)
    decide_flood(actor=operator, flood=flood, decision="alerting", reason="Each one counts.", until=until)
    admin.post(f"/admin/sharing/flood/{flood.pk}/decide/", {"decision": "open", "reason": "The campaign is over."})
    flood.refresh_from_db()
    assert (flood.decision, flood.decided_until, flood.reason) == ("open", None, "The campaign is over.")


def test_only_an_administrator_of_the_hub_decides(flood: Flood, operator: Actor) -> None:
    member = factories.actor_of_user(factories.make_user(role="owner", is_staff=True))
    until = timezone.now() + timedelta(days=1)
    with pytest.raises(NotPermitted):
        decide_flood(actor=member, flood=flood, decision="excluded", reason="Blank.", until=until)
    with pytest.raises(Invalid) as refused:
        decide_flood(actor=operator, flood=flood, decision="burn", reason="", until=None)
    assert [problem.path for problem in refused.value.problems] == ["/decision", "/reason", "/until"]


def test_the_database_refuses_a_decision_without_reason_or_end(flood: Flood) -> None:
    for broken in ({"decision": "excluded"}, {"decision": "excluded", "reason": "Blank."}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Flood.objects.filter(pk=flood.pk).update(**broken)
