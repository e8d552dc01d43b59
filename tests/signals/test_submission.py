"""Submitting, changing and retracting signals."""

from __future__ import annotations

import concurrent.futures
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hub.audit.models import AuditEntry
from hub.errors import Conflict, Invalid, NotFound, NotPermitted, Problem
from hub.outbox.models import OutboxEvent
from sharing.signals.indicators import Indicator
from sharing.signals.inputs import AccountInput, IndicatorInput
from sharing.signals.models import Signal
from sharing.signals.services import retract_signal, submit_signal, submit_signals, update_signal
from tests import factories

pytestmark = pytest.mark.django_db
HASH = "900150983cd24fb0d6963f7d28e17f72"
WRITES_OF_SIGNALS = ('INSERT INTO "sharing_signal" ', 'UPDATE "sharing_signal" ')


@pytest.fixture
def alpha() -> Any:
    return factories.make_organisation("alpha")


@pytest.fixture
def group(alpha: Any) -> Any:
    group = factories.make_group("watch", retention_days=30)
    factories.give(alpha, group)
    return group


def problems_of(alpha: Any, *groups: Any, **fields: Any) -> set[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        submit_signal(actor=factories.actor_for(alpha), item=factories.signal_input(*groups, **fields))
    assert all(problem.message and problem.mend for problem in caught.value.problems)
    return {(problem.path, problem.code) for problem in caught.value.problems}


def test_a_signal_is_stored_with_all_that_belongs_to_it(alpha: Any, group: Any) -> None:
    signal = factories.submit(
        alpha,
        group,
        kind="account",
        account=AccountInput("exampletube", ("recruits",), "banned"),
        indicators=[("md5", HASH), ("email", "Someone@Example.org")],
    )
    assert {link.signal_type for link in signal.indicators.all()} == {"md5", "email"}
    assert signal.account.platform == "exampletube"
    assert signal.expires_at - timezone.now() < timedelta(days=30)
    event = OutboxEvent.objects.get(topic="signals.changed")
    assert (event.topic, event.payload) == ("signals.changed", {"signals": [signal.pk]})
    assert AuditEntry.objects.filter(action="signals.submitted", object_id=str(signal.uuid)).exists()


def test_equal_values_are_one_indicator_and_identifiers_are_tokens(alpha: Any, group: Any) -> None:
    factories.submit(alpha, group, indicators=[("email", "someone@example.org"), ("md5", HASH)])
    factories.submit(alpha, group, indicators=[("email", " someone@EXAMPLE.org"), ("md5", HASH.upper())])
    assert Indicator.objects.count() == 2
    token = Indicator.objects.get(signal_type="email")
    assert (len(token.value), token.key_id) == (32, "k1")


def test_the_token_depends_on_key_and_type(alpha: Any, group: Any) -> None:
    factories.submit(
        alpha,
        group,
        indicators=[IndicatorInput("username", "somebody", platform=name) for name in ("exampletube", "otherbook")],
    )
    assert len(set(Indicator.objects.values_list("value", flat=True))) == 2


def test_submitting_an_external_id_again_changes_the_signal(alpha: Any, group: Any) -> None:
    first = factories.submit(alpha, group, external_id="ad-1", severity="low")
    outcome = submit_signal(
        actor=factories.actor_for(alpha),
        item=factories.signal_input(group, external_id="ad-1", severity="high", indicators=[("md5", HASH)]),
    )
    assert (outcome.signal, outcome.created) == (first, False)
    stored = Signal.objects.get()
    assert (stored.severity, [item.text for item in stored.indicators.all()]) == ("high", [HASH])


def test_a_batch_sent_again_is_overwritten_in_one_statement(alpha: Any, group: Any) -> None:
    def send(severity: str, moment: Any) -> list[str]:
        items = [
            factories.signal_input(group, external_id=f"ad-{number}", severity=severity, observed_at=moment)
            for number in range(600)
        ]
        with CaptureQueriesContext(connection) as queries:
            submit_signals(actor=factories.actor_for(alpha), items=items)
        return [query["sql"] for query in queries if query["sql"].startswith(WRITES_OF_SIGNALS)]

    send("low", None)
    before = dict(Signal.objects.values_list("uuid", "created_at"))
    assert len(send("high", timezone.now())) == 1
    assert dict(Signal.objects.values_list("uuid", "created_at")) == before
    assert Signal.objects.filter(severity="high", observed_at__isnull=False, organisation=alpha).count() == len(before)


def test_external_ids_belong_to_their_organisation(alpha: Any, group: Any) -> None:
    beta = factories.make_organisation("beta")
    factories.give(beta, group)
    factories.submit(alpha, group, external_id="1")
    factories.submit(beta, group, external_id="1")
    assert Signal.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_one_external_id_from_many_requests_at_once_is_one_signal() -> None:
    alpha, group = factories.make_organisation("alpha"), factories.make_group("watch")
    factories.give(alpha, group)
    items = [
        factories.signal_input(group, external_id=f"ad-{number}", indicators=[("md5", f"{number:032x}")])
        for number in range(20)
    ]

    def send(turn: int) -> None:
        try:
            submit_signals(actor=factories.actor_for(alpha), items=items[:: 1 if turn % 2 else -1])
        finally:
            connection.close()

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(send, range(12)))
    assert Signal.objects.count() == 20
    assert Indicator.objects.count() == 20
    assert all(signal.indicators.count() == 1 for signal in Signal.objects.all())


def test_good_rows_are_stored_and_bad_ones_reported(alpha: Any, group: Any) -> None:
    unreadable = [Problem("/kind", "required", "This field is required.")]
    outcomes = submit_signals(
        actor=factories.actor_for(alpha),
        items=[
            factories.signal_input(group, external_id="1"),
            factories.signal_input(group, external_id="2", indicators=[("md5", "no hash"), ("md5", HASH)]),
            unreadable,
            factories.signal_input(group, external_id="1"),
            factories.signal_input(group, external_id="3"),
        ],
    )
    assert [outcome.signal is not None for outcome in outcomes] == [True, False, False, False, True]
    assert [problem.path for problem in outcomes[1].problems] == ["/indicators/0/value"]
    assert [problem.code for problem in outcomes[3].problems] == ["repeated"]
    assert OutboxEvent.objects.filter(topic="signals.changed").count() == 1


def test_atomic_stores_nothing_when_one_row_is_bad(alpha: Any, group: Any) -> None:
    with pytest.raises(Invalid) as caught:
        submit_signals(
            actor=factories.actor_for(alpha),
            items=[factories.signal_input(group), factories.signal_input(group, indicators=[("md5", "no hash")])],
            atomic=True,
        )
    assert [problem.path for problem in caught.value.problems] == ["/signals/1/indicators/0/value"]
    assert not Signal.objects.exists()
    assert not OutboxEvent.objects.filter(topic="signals.changed").exists()


def test_problems_are_found_all_at_once_and_named(alpha: Any, group: Any) -> None:
    assert problems_of(
        alpha,
        group,
        indicators=[("md5", "zz"), ("nothing", "x"), ("email", "5d41402abc4b2a76b9719d911017c592")],
        summary="Write to someone@example.org",
        observed_at=timezone.now() + timedelta(days=1),
        expires_at=timezone.now() - timedelta(days=1),
        account=AccountInput("exampletube"),
        sharing_groups=("watch", "unknown"),
        named_organisations=("nobody",),
    ) == {
        ("/indicators/0/value", "not_hex"),
        ("/indicators/1/type", "unknown_type"),
        ("/indicators/2/value", "unkeyed_hash"),
        ("/summary", "identifier_in_text"),
        ("/observed_at", "in_future"),
        ("/expires_at", "out_of_range"),
        ("/account", "kind_mismatch"),
        ("/sharing_groups/1", "unknown_group"),
        ("/named_organisations/0", "unknown_organisation"),
    }


def test_a_phone_number_in_the_summary_is_refused(alpha: Any, group: Any) -> None:
    assert problems_of(alpha, group, summary="call +44 20 7946 0958 tonight") == {("/summary", "identifier_in_text")}


def test_audience_rules(alpha: Any, group: Any) -> None:
    factories.make_organisation("beta")
    strict = factories.make_group("strict", max_tlp="GREEN", harms=["people_smuggling"])
    factories.give(alpha, strict)
    viewed = factories.make_group("viewed")
    factories.give(alpha, viewed, "view")
    assert problems_of(alpha) == {("/sharing_groups", "no_audience")}
    assert problems_of(alpha, group, tlp="RED") == {("/sharing_groups", "red_to_group")}
    assert problems_of(alpha, strict) == {("/sharing_groups/0", "too_strict_for_group")}
    assert problems_of(alpha, strict, tlp="GREEN") == {("/sharing_groups/0", "harm_not_in_group")}
    assert problems_of(alpha, viewed) == {("/sharing_groups/0", "unknown_group")}
    assert factories.submit(alpha, tlp="RED", named_organisations=("beta",)).grants.count() == 1


def test_changing_keeps_what_is_not_named(alpha: Any, group: Any) -> None:
    signal = factories.submit(alpha, group, indicators=[("email", "someone@example.org")], summary="Before.")
    token = signal.indicators.get()
    update_signal(actor=factories.actor_for(alpha), uuid=signal.uuid, changes={"severity": "critical"})
    signal.refresh_from_db()
    assert (signal.severity, signal.summary, signal.indicators.get()) == ("critical", "Before.", token)
    assert list(signal.groups.all()) == [group]


def test_only_the_owner_changes_a_signal_and_others_cannot_find_it(alpha: Any, group: Any) -> None:
    signal = factories.submit(alpha, group)
    beta, outsider = factories.make_organisation("beta"), factories.make_organisation("gamma")
    factories.give(beta, group)
    for organisation, error in ((beta, NotPermitted), (outsider, NotFound)):
        actor = factories.actor_for(organisation)
        with pytest.raises(error):
            update_signal(actor=actor, uuid=signal.uuid, changes={"severity": "low"})
        with pytest.raises(error):
            retract_signal(actor=actor, uuid=signal.uuid, reason="Not mine.")


def test_a_retracted_signal_is_gone_for_others_and_does_not_come_back(alpha: Any, group: Any) -> None:
    beta = factories.make_organisation("beta")
    factories.give(beta, group)
    signal = factories.submit(alpha, group, external_id="ad-1")
    owner = factories.actor_for(alpha)
    retract_signal(actor=owner, uuid=signal.uuid, reason="Wrong picture.")
    retract_signal(actor=owner, uuid=signal.uuid, reason="Again.")
    entry = AuditEntry.objects.get(action="signal.retracted")
    assert (entry.reason, entry.detail) == ("", {"count": 1, "reason_length": 14}), "not what it said"
    assert not Signal.objects.visible_to(factories.actor_for(beta)).exists()
    assert Signal.objects.visible_to(owner).get().retraction_reason == "Wrong picture."
    assert problems_of(alpha, group, external_id="ad-1") == {("/external_id", "retracted")}
    with pytest.raises(Conflict):
        update_signal(actor=owner, uuid=signal.uuid, changes={"severity": "low"})


def test_every_write_moves_the_commit_position(alpha: Any, group: Any) -> None:
    signal = factories.submit(alpha, group)
    before = Signal.objects.get().commit_xid
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sharing_signal SET commit_xid = '1'::xid8 WHERE id = %s", [signal.pk])
    assert Signal.objects.get().commit_xid >= before


def test_a_batch_costs_the_same_queries_however_long(
    alpha: Any, group: Any, django_assert_max_num_queries: Any
) -> None:
    actor = factories.actor_for(alpha)
    items = [factories.signal_input(group, external_id=str(number)) for number in range(200)]
    # contributable groups 2, groups, organisations, savepoints 4, existing, insert, uuids, indicators 3,
    # links 4 deletes and 2 inserts, audit, outbox, notify
    with django_assert_max_num_queries(26):
        submit_signals(actor=actor, items=items)


def test_a_batch_of_too_many_indicators_is_refused_whole(
    alpha: Any, group: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sharing.signals.services.MAX_INDICATORS_IN_ALL", 3)
    items = [factories.signal_input(group) for _ in range(4)]
    with pytest.raises(Invalid) as caught:
        submit_signals(actor=factories.actor_for(alpha), items=items)
    assert [(problem.path, problem.code) for problem in caught.value.problems] == [("/signals", "too_many_indicators")]
    assert not Signal.objects.exists()


def test_a_change_of_what_has_expired_or_lies_under_a_lowered_ceiling_says_the_way_out() -> None:
    group, organisation = factories.make_group("watch"), factories.make_organisation()
    factories.give(organisation, group)
    actor, signal = factories.actor_for(organisation), factories.submit(organisation, group)
    Signal.objects.update(expires_at=timezone.now() - timedelta(days=1))
    with pytest.raises(Invalid) as refused:
        update_signal(actor=actor, uuid=signal.uuid, changes={"summary": "New."})
    assert [(found.code, "Send an expires_at" in found.mend) for found in refused.value.problems] == [("expired", True)]
    update_signal(actor=actor, uuid=signal.uuid, changes={"expires_at": timezone.now() + timedelta(days=1)})
    group.max_tlp = "GREEN"
    group.save()
    with pytest.raises(Invalid) as refused:
        update_signal(actor=actor, uuid=signal.uuid, changes={"summary": "New."})
    assert "less strict TLP" in refused.value.problems[0].mend
    update_signal(actor=actor, uuid=signal.uuid, changes={"tlp": "GREEN"})
