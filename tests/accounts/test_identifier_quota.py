"""How many identifiers a day: counted whatever happens, all programs together, and abnormal days are told."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client

from accounts import identifier_quota
from accounts.identifier_quota import count_identifiers
from accounts.identifier_use import IdentifierAlert, IdentifierDay
from accounts.models import Organisation
from hub.audit.models import AuditEntry
from hub.errors import Conflict, NotPermitted, UsedUp
from sharing.matching.lookups import look_up
from sharing.signals.evaluation import evaluate_identifiers
from sharing.signals.inputs import IndicatorInput
from sharing.signals.models import Signal
from sharing.signals.services import submit_signals, update_signal
from tests import factories
from tests.keys import token_for

ELEMENT = "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"
TODAY = date(2026, 3, 10)


@pytest.fixture(autouse=True)
def _a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour before it ends."""
    monkeypatch.setattr("accounts.identifier_quota.timezone.now", lambda: datetime(2026, 3, 10, 23, tzinfo=UTC))


@pytest.fixture
def alpha(db: None, settings: LazySettings) -> Organisation:
    settings.IDENTIFIERS_PER_DAY = 10
    organisation = factories.make_organisation("alpha")
    factories.give(organisation, factories.make_group("watch"))
    return organisation


def used(organisation: Organisation) -> tuple[int, int]:
    day = IdentifierDay.objects.filter(organisation=organisation, day=TODAY).first()
    return (day.identifiers, day.refused) if day else (0, 0)


def evaluate(organisation: Organisation, number: int) -> None:
    evaluate_identifiers(actor=factories.actor_for(organisation), elements=[ELEMENT] * number)


def test_all_programs_of_an_organisation_share_one_quota(alpha: Organisation) -> None:
    for number in (4, 6):
        client, _key = factories.make_client(alpha)
        actor = factories.actor_of_client(client)
        evaluate_identifiers(actor=actor, elements=[ELEMENT] * number)
    with pytest.raises(UsedUp) as refused:
        evaluate(alpha, 1)
    assert refused.value.retry_after == 3_601
    assert "quota of 10 identifiers" in refused.value.message
    assert used(alpha) == (10, 1)
    evaluate(factories.make_organisation("beta"), 10)


def test_a_request_is_taken_whole_or_not_at_all(alpha: Organisation) -> None:
    evaluate(alpha, 8)
    with pytest.raises(UsedUp):
        evaluate(alpha, 3)
    evaluate(alpha, 2)
    assert used(alpha) == (10, 3)


def test_more_at_once_than_a_day_allows_is_told_so(alpha: Organisation) -> None:
    with pytest.raises(UsedUp, match="this request has 11"):
        evaluate(alpha, 11)
    assert used(alpha) == (0, 11)


def test_an_organisation_may_have_its_own_quota(alpha: Organisation) -> None:
    Organisation.objects.update(identifiers_per_day=2)
    evaluate(alpha, 2)
    Organisation.objects.update(identifiers_per_day=0)
    with pytest.raises(UsedUp):
        evaluate(alpha, 1)


def test_what_is_wrong_with_an_element_does_not_give_the_count_back(alpha: Organisation) -> None:
    no_square = "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"
    with pytest.raises(Exception, match="problems"):
        evaluate_identifiers(actor=factories.actor_for(alpha), elements=[ELEMENT, no_square])
    assert used(alpha) == (2, 0)


def test_identifiers_in_plain_count_too_and_hashes_and_tokens_do_not(alpha: Organisation) -> None:
    group = factories.SharingGroup.objects.get()
    signal = factories.submit(alpha, group, indicators=[("email", "a@example.org"), ("md5", "0" * 32)])
    assert used(alpha) == (1, 0)
    actor = factories.actor_for(alpha)
    look_up(actor=actor, items=[IndicatorInput("phone", "+447911123456"), IndicatorInput("md5", "1" * 32)])
    assert used(alpha) == (2, 0)
    update_signal(actor=actor, uuid=signal.uuid, changes={"indicators": (IndicatorInput("email", "b@example.org"),)})
    update_signal(actor=actor, uuid=signal.uuid, changes={"severity": "low"})
    assert used(alpha) == (3, 0)
    token = IndicatorInput(**token_for(actor, "email", "c@example.org"))
    assert used(alpha) == (4, 0)
    look_up(actor=actor, items=[token])
    factories.submit(alpha, group, indicators=[token])
    assert used(alpha) == (4, 0)


def test_without_quota_a_submission_in_plain_stores_nothing(alpha: Organisation) -> None:
    group = factories.SharingGroup.objects.get()
    evaluate(alpha, 10)
    rows = [factories.signal_input(group), factories.signal_input(group, indicators=[("email", "a@example.org")])]
    with pytest.raises(UsedUp):
        submit_signals(actor=factories.actor_for(alpha), items=rows)
    assert not Signal.objects.exists()


def test_what_is_refused_for_lack_of_the_switch_does_not_count(alpha: Organisation) -> None:
    Organisation.objects.update(plain_identifiers=False)
    look_up(actor=factories.actor_for(alpha), items=[IndicatorInput("phone", "+447911123456")])
    assert used(alpha) == (0, 0)


def test_over_http_it_is_429_with_the_time_to_wait(client: Client, alpha: Organisation) -> None:
    headers = {"authorization": f"Bearer {factories.make_client(alpha)[1]}"}
    body: dict[str, Any] = {"elements": [ELEMENT] * 11}
    answer = client.post("/api/v1/identifiers/evaluate", body, "application/json", headers=headers)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3601"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "higher quota" in answer.json()["detail"]


def test_the_sums_are_in_the_audit(alpha: Organisation) -> None:
    evaluate(alpha, 3)
    look_up(actor=factories.actor_for(alpha), items=[IndicatorInput("phone", "+447911123456")])
    with pytest.raises(UsedUp):
        evaluate(alpha, 7)
    sums = AuditEntry.objects.filter(action__startswith="identifiers.").order_by("pk")
    assert [(entry.action, entry.detail["items"]) for entry in sums] == [
        ("identifiers.evaluated", 3),
        ("identifiers.sent_plain", 1),
        ("identifiers.refused", 7),
    ]


def test_nobody_counts_for_no_organisation() -> None:
    with pytest.raises(NotPermitted):
        count_identifiers(actor=factories.Actor(organisation=None), number=1, how="evaluated")


@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_pass_the_quota(settings: LazySettings) -> None:
    settings.IDENTIFIERS_PER_DAY = 50
    actor = factories.actor_for(factories.make_organisation("alpha"))

    def one(_number: int) -> bool:
        try:
            count_identifiers(actor=actor, number=3, how="evaluated")
        except UsedUp:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        passed = sum(pool.map(one, range(40)))
    assert passed == 16
    assert used(actor.organisation) == (48, 72)  # type: ignore[arg-type]


def alerts() -> Iterator[tuple[str, int, int, int | None]]:
    for alert in IdentifierAlert.objects.order_by("pk"):
        yield alert.cause, alert.identifiers, alert.quota, alert.usual


def test_a_large_share_and_the_end_of_the_quota_are_told_once(alpha: Organisation) -> None:
    evaluate(alpha, 7)
    assert list(alerts()) == []
    for _ in range(3):
        evaluate(alpha, 1)
    for _ in range(2):
        with pytest.raises(UsedUp):
            evaluate(alpha, 5)
    assert list(alerts()) == [("share", 8, 10, None), ("used_up", 10, 10, None)]


@pytest.mark.parametrize(("days", "usual"), [(4, None), (5, 200), (20, 200)])
def test_many_times_what_is_usual_is_told(
    alpha: Organisation, settings: LazySettings, days: int, usual: int | None
) -> None:
    settings.IDENTIFIERS_PER_DAY = 1_000_000
    actor = factories.actor_for(alpha)
    for back in range(1, days + 1):
        IdentifierDay.objects.create(organisation=alpha, day=TODAY - timedelta(days=back), identifiers=200)
    IdentifierDay.objects.create(organisation=alpha, day=TODAY - timedelta(days=40), identifiers=10**6)
    count_identifiers(actor=actor, number=1_999, how="evaluated")
    assert list(alerts()) == []
    count_identifiers(actor=actor, number=1, how="evaluated")
    count_identifiers(actor=actor, number=1, how="evaluated")
    assert list(alerts()) == ([("unusual", 2_000, 1_000_000, 200)] if usual else [])


def test_an_operator_acknowledges_an_alert_with_a_reason(client: Client, alpha: Organisation) -> None:
    evaluate(alpha, 9)
    alert = IdentifierAlert.objects.get()
    operator = factories.make_operator()
    assert operator.user is not None
    client.force_login(operator.user)
    address = f"/admin/accounts/identifieralert/{alert.pk}/"
    assert "open" in client.get("/admin/accounts/identifieralert/?state=open").content.decode()
    client.post(f"{address}acknowledge/", {"confirm": "yes", "reason": "A backlog, says their engineer."})
    alert.refresh_from_db()
    assert alert.acknowledged_at is not None
    assert alert.acknowledged_by == operator.user
    entry = AuditEntry.objects.get(action="identifier_alert.acknowledged")
    assert (entry.reason, entry.detail["cause"]) == ("A backlog, says their engineer.", "share")
    assert "No rows" not in client.get("/admin/accounts/identifieralert/?state=acknowledged").content.decode()
    identifier_quota.acknowledge_alert(actor=operator, alert=alert, reason="Again.")
    assert AuditEntry.objects.filter(action="identifier_alert.acknowledged").count() == 1
    with pytest.raises(NotPermitted):
        identifier_quota.acknowledge_alert(actor=factories.actor_for(alpha), alert=alert, reason="Mine.")


def test_an_administrator_sets_switch_and_quota(client: Client, db: None) -> None:
    organisation = Organisation.objects.create(slug="new", name="New", kind="ngo")
    assert organisation.plain_identifiers is False
    operator = factories.make_operator()
    assert operator.user is not None
    client.force_login(operator.user)
    own = f"/admin/accounts/organisation/{organisation.pk}/"
    page = client.get(f"{own}change/").content.decode()
    assert "Each one is a guess that it can test" in page
    assert "the hub never sees the identifiers" in page
    client.post(f"{own}allow-plain/", {"confirm": "yes", "reason": ""})
    organisation.refresh_from_db()
    assert organisation.plain_identifiers is False
    client.post(f"{own}allow-plain/", {"confirm": "yes", "reason": "Runs no programs, the board agreed."})
    client.post(f"{own}change/", {"name": "New", "kind": "ngo", "country": "", "identifiers_per_day": "500"})
    organisation.refresh_from_db()
    assert (organisation.plain_identifiers, organisation.identifiers_per_day) == (True, 500)
    assert AuditEntry.objects.get(action="organisation.plain_identifiers_allowed").reason.startswith("Runs no")
    client.post(f"{own}refuse-plain/", {"confirm": "yes", "reason": "Has the client now."})
    organisation.refresh_from_db()
    assert organisation.plain_identifiers is False


def test_only_an_administrator_sets_the_switch(alpha: Organisation) -> None:
    with pytest.raises(NotPermitted):
        identifier_quota.allow_plain_identifiers(
            actor=factories.actor_for(alpha), organisation=alpha, allowed=True, reason="We want to."
        )


def test_a_person_in_the_portal_is_told_in_words(client: Client, alpha: Organisation) -> None:
    assert issubclass(UsedUp, Exception)
    assert not issubclass(UsedUp, Conflict)
    evaluate(alpha, 10)
    client.force_login(factories.make_user(alpha))
    audience = "kind=content&harm=other&tlp=AMBER&sharing_groups=watch"
    form = {
        "severity": "high", "confidence": "50", "subject_role": "unknown",
        "indicators-TOTAL_FORMS": "1", "indicators-INITIAL_FORMS": "0",
        "indicators-0-type": "email", "indicators-0-value": "a@example.org",
    }  # fmt: skip
    page = client.post(f"/signals/new/details?{audience}", form).content.decode()
    assert "quota of 10 identifiers" in page
    assert not Signal.objects.exists()
