"""The feed through the API: what comes, and what is to be forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client

from accounts.models import Organisation
from accounts.services import set_status
from hub.audit.models import AuditEntry
from sharing.feeds.models import AccessSpan, PastAudience
from sharing.feeds.services import note_expired, purge_memory
from sharing.signals.models import Share, Signal
from sharing.signals.services import retract_signal, update_signal
from sharing.visibility.models import GroupPermission, SharingGroup
from sharing.visibility.services import revoke_access, set_group_status
from tests import factories
from tests.feeds.copy import Copy

pytestmark = pytest.mark.django_db(transaction=True)


def change(signal: Signal, **changes: Any) -> None:
    update_signal(actor=factories.actor_for(signal.organisation), uuid=signal.uuid, changes=changes)


def retract(signal: Signal) -> None:
    retract_signal(actor=factories.actor_for(signal.organisation), uuid=signal.uuid, reason="A mistake.")


def expire(signal: Signal) -> None:
    """By the clock: as if time had passed, without any write that the database could stamp."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sharing_signal DISABLE TRIGGER USER")
        Signal.objects.filter(pk=signal.pk).update(expires_at=Now() - timedelta(seconds=1))
        cursor.execute("ALTER TABLE sharing_signal ENABLE TRIGGER USER")
    assert note_expired() == 1
    assert note_expired() == 0


def revoke(organisation: Organisation, group: SharingGroup) -> None:
    revoke_access(
        actor=factories.make_operator(), sharing_group=group, organisation=organisation,
        permission=GroupPermission.VIEW, reason="Left.",
    )  # fmt: skip


def turn(group: SharingGroup, status: str) -> None:
    set_group_status(actor=factories.make_operator(), sharing_group=group, status=status, reason="Asked.")


def let(organisation: Organisation, status: str) -> None:
    set_status(actor=factories.make_operator(), organisation=organisation, status=status, reason="Asked.")


def test_a_first_reading_has_all_that_is_visible_as_one_signal_is_shown(
    alpha: Organisation, beta: Organisation, group: SharingGroup, client: Client
) -> None:
    indicators = [("sha256", f"{3:064x}"), ("email", "someone@example.org"), ("md5", f"{1:032x}")]
    shown = [
        factories.submit(alpha, group, summary="ü\u2028", external_id="own-1", indicators=indicators),
        factories.submit(alpha, named_organisations=("beta",)),
        factories.submit(beta, named_organisations=("alpha",), external_id="own-2"),
    ]
    other = factories.make_group("other")
    factories.give(alpha, other)
    hidden = factories.submit(alpha, other)
    copy = Copy.of(beta)
    assert copy.changes() == {str(signal.uuid): "upsert" for signal in shown}
    for signal in shown:
        one = client.get(f"/api/v1/signals/{signal.uuid}", headers={"Authorization": f"Bearer {copy.key}"})
        assert copy.signals[str(signal.uuid)] == one.json()
    assert copy.changes() == {}
    retract(hidden)
    assert copy.changes() == {}


def test_an_account_is_shown_as_one_signal_is(
    alpha: Organisation, beta: Organisation, group: SharingGroup, client: Client
) -> None:
    from sharing.signals.inputs import AccountInput  # noqa: PLC0415

    signal = factories.submit(alpha, group, kind="account", account=AccountInput("exampletube", ("sells", "lures")))
    copy = Copy.of(beta)
    copy.sync()
    one = client.get(f"/api/v1/signals/{signal.uuid}", headers={"Authorization": f"Bearer {copy.key}"})
    assert copy.signals == {str(signal.uuid): one.json()}


ENDS: dict[str, tuple[Callable[[Signal, SharingGroup, Organisation], None], str]] = {
    "retracted": (lambda signal, _group, _beta: retract(signal), "retracted"),
    "expired": (lambda signal, _group, _beta: expire(signal), "expired"),
    "about a victim": (lambda signal, _group, _beta: change(signal, subject_role="victim"), "gone"),
    "red": (
        lambda signal, _group, _beta: change(signal, tlp="RED", sharing_groups=(), named_organisations=("beta",)),
        "gone",
    ),
    "not shared any more": (
        lambda signal, _group, _beta: change(signal, sharing_groups=(), named_organisations=("gamma",)), "access_lost",
    ),
    "unshared by hand": (lambda signal, _group, _beta: Share.objects.filter(signal=signal).delete(), "access_lost"),
    "access revoked": (lambda _signal, group, beta: revoke(beta, group), "access_lost"),
    "group closed": (lambda _signal, group, _beta: turn(group, "closed"), "access_lost"),
    "retracted after access was revoked": (
        lambda signal, group, beta: (revoke(beta, group), retract(signal)), "access_lost",  # type: ignore[func-returns-value, dict-item]
    ),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_is_told_once_to_those_who_could_see_it(
    alpha: Organisation, beta: Organisation, group: SharingGroup, end: str
) -> None:
    factories.make_organisation("gamma")
    signal = factories.submit(alpha, group)
    copy, newcomer = Copy.of(beta), factories.make_organisation("newcomer")
    stranger = Copy.of(newcomer)
    assert copy.changes() == {str(signal.uuid): "upsert"}
    assert stranger.changes() == {}
    work, reason = ENDS[end]
    work(signal, group, beta)
    assert copy.changes() == {str(signal.uuid): reason}
    assert copy.changes() == {}
    if end != "group closed":
        factories.give(newcomer, group, "view")
    assert (str(signal.uuid) in stranger.changes()) is (end == "access revoked")
    assert Copy.of(beta).changes() == {}


def test_a_name_taken_away_is_told(alpha: Organisation, beta: Organisation) -> None:
    factories.make_organisation("gamma")
    signal = factories.submit(alpha, named_organisations=("beta",))
    copy = Copy.of(beta)
    assert copy.changes() == {str(signal.uuid): "upsert"}
    change(signal, named_organisations=("gamma",))
    assert copy.changes() == {str(signal.uuid): "access_lost"}
    retract(signal)
    assert copy.changes() == {}


def test_who_is_let_in_gets_what_was_there_and_who_comes_back_gets_it_again(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    signals = {str(factories.submit(alpha, group).uuid) for _ in range(5)}
    gamma = factories.make_organisation("gamma")
    copy = Copy.of(gamma, limit=2)
    assert copy.changes() == {}
    factories.give(gamma, group, "view")
    assert copy.changes() == dict.fromkeys(signals, "upsert")
    turn(group, "closed")
    assert copy.changes() == dict.fromkeys(signals, "access_lost")
    turn(group, "active")
    assert copy.changes() == dict.fromkeys(signals, "upsert")
    revoke(gamma, group)
    factories.give(gamma, group, "view")
    assert set(copy.sync() and copy.signals) == signals


def test_two_paths_one_of_which_ends(alpha: Organisation, beta: Organisation, group: SharingGroup) -> None:
    second = factories.make_group("second")
    factories.give(alpha, second)
    factories.give(beta, second, "view")
    signal = factories.submit(alpha, group, second)
    copy = Copy.of(beta)
    copy.sync()
    revoke(beta, second)
    assert copy.changes() == {str(signal.uuid): "upsert"}
    assert copy.signals[str(signal.uuid)]["sharing_groups"] == ["watch"]


def test_a_suspended_member_hears_nothing_of_what_came_and_went_meanwhile(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    known = factories.submit(alpha, group)
    copy = Copy.of(beta)
    copy.sync()
    let(beta, "suspended")
    assert copy.ask().status_code == 401
    retract(factories.submit(alpha, group))
    retract(known)
    stays = factories.submit(alpha, group)
    let(beta, "active")
    assert copy.changes() == {str(known.uuid): "retracted", str(stays.uuid): "upsert"}


def test_what_was_over_before_access_began_is_not_told(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    copy = Copy.of(beta)
    copy.sync()
    revoke(beta, group)
    retract(factories.submit(alpha, group))
    factories.give(beta, group, "view")
    assert copy.changes() == {}


def test_victims_and_red_are_never_told_not_even_to_their_own(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    copies = [Copy.of(alpha), Copy.of(beta)]
    for copy in copies:
        copy.sync()
    victim = factories.submit(alpha, group, subject_role="victim")
    red = factories.submit(alpha, tlp="RED", named_organisations=("beta",))
    for copy in copies:
        assert copy.changes() == {}
    retract(red)
    change(victim, summary="Still about a victim.")
    for copy in copies:
        assert copy.changes() == {}
    change(victim, subject_role="unknown")
    for copy in copies:
        assert copy.changes() == {str(victim.uuid): "upsert"}


def test_a_transaction_that_commits_late_is_not_skipped(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    copy, written, commit = Copy.of(beta), threading.Event(), threading.Event()
    late: list[Signal] = []

    def slow() -> None:
        try:
            with transaction.atomic():
                late.append(factories.submit(alpha, group))
                written.set()
                commit.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    written.wait(10)
    early = factories.submit(alpha, group)
    assert copy.changes() == {}  # it was committed, and waits for the one before it
    commit.set()
    thread.join(10)
    assert list(copy.changes()) == [str(late[0].uuid), str(early.uuid)]


def test_changes_come_in_the_order_of_their_commits(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    first, second = factories.submit(alpha, group), factories.submit(alpha, group)
    change(first, summary="Changed.")
    copy = Copy.of(beta, limit=1)
    assert list(copy.changes()) == [str(second.uuid), str(first.uuid)]


def test_to_submit_the_same_again_leaves_no_memory(alpha: Organisation, group: SharingGroup) -> None:
    factories.submit(alpha, group, external_id="one")
    share = Share.objects.get()
    factories.submit(alpha, group, external_id="one", summary="Again.")
    assert Share.objects.get().pk == share.pk
    assert not PastAudience.objects.exists()


def test_memory_that_no_cursor_needs_is_purged(alpha: Organisation, beta: Organisation, group: SharingGroup) -> None:
    Share.objects.filter(signal=factories.submit(alpha, group)).delete()
    revoke(beta, group)
    assert purge_memory() == 0
    for model in (PastAudience, AccessSpan):
        model.objects.filter(ended_at__isnull=False).update(ended_at=Now() - timedelta(days=32))
    assert purge_memory() == 2
    assert AccessSpan.objects.filter(ended_xid=None).exists()


def test_the_audit_has_the_number_of_entries(alpha: Organisation, beta: Organisation, group: SharingGroup) -> None:
    for _ in range(3):
        factories.submit(alpha, group)
    Copy.of(beta).sync()
    entry = AuditEntry.objects.get(action="feed.read")
    assert (entry.organisation_id, entry.detail) == (beta.pk, {"requests": 1, "items": 3})
