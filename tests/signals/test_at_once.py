"""Submissions at the same moment: none dead-locks, one is the first, and none outlives the right to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.actor import actor_of_user
from accounts.models import ApiClient, ApiKey, Organisation, User
from accounts.services import revoke_client, revoke_key, set_status
from hub.errors import Conflict, Invalid, NotPermitted
from sharing.signals import services
from sharing.signals.inputs import AccountInput
from sharing.signals.models import Signal
from sharing.signals.preparation import Preparation
from sharing.signals.services import submit_signals, update_signal
from sharing.visibility.models import GroupPermission, SharingGroup
from sharing.visibility.services import revoke_access, set_group_status
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def group() -> Any:
    return factories.make_group("watch")


@pytest.fixture
def alpha(group: SharingGroup) -> Organisation:
    organisation = factories.make_organisation("alpha")
    factories.give(organisation, group)
    return organisation


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """What each gave or raised, all started together, each on a connection of its own."""
    barrier, answers = Barrier(len(works)), [None] * len(works)

    def run(number: int) -> None:
        barrier.wait()
        try:
            answers[number] = works[number]()
        except Exception as error:
            answers[number] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_batches_of_known_and_new_rows_do_not_dead_lock(alpha: Organisation, group: SharingGroup) -> None:
    """Before, known rows were locked first and new ones inserted then: one batch held z and waited for a, and one held
    a and waited for z."""
    actor = factories.actor_for(alpha)
    for turn in range(12):
        submit_signals(actor=actor, items=[factories.signal_input(group, external_id=f"z{turn}")])
        names = [[f"z{turn}", f"a{turn}"], [f"a{turn}", f"b{turn}", f"z{turn}"], [f"b{turn}", f"a{turn}"]] * 2

        def send(these: list[str]) -> Any:
            rows = [factories.signal_input(group, external_id=name) for name in these]
            return submit_signals(actor=factories.actor_for(alpha), items=rows)

        answers = at_once([lambda these=these: send(these) for these in names])  # type: ignore[misc]
        assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert Signal.objects.count() == 36


def test_locks_are_taken_in_one_order(alpha: Organisation, group: SharingGroup) -> None:
    """One holds a new row `a`, and another, that holds the known row `z`, wants it: the first can go on to `z`."""
    actor = factories.actor_for(alpha)
    submit_signals(actor=actor, items=[factories.signal_input(group, external_id="z")])
    holds_a, errors = Event(), []

    def other() -> None:
        holds_a.wait(10)
        try:
            rows = [factories.signal_input(group, external_id=name) for name in ("z", "a")]
            submit_signals(actor=factories.actor_for(alpha), items=rows)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    thread = Thread(target=other)
    thread.start()
    with transaction.atomic():
        submit_signals(actor=actor, items=[factories.signal_input(group, external_id="a")])
        holds_a.set()
        thread.join(1.5)  # it waits for `a` now, and must not hold `z`
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '3s'")
        submit_signals(actor=actor, items=[factories.signal_input(group, external_id="z")])
    thread.join(30)
    assert errors == []


def test_of_many_that_send_one_thing_one_has_created_it(alpha: Organisation) -> None:
    _client, key = factories.make_client(alpha)
    row = {"external_id": "one", "kind": "content", "harm": "other", "severity": "low", "sharing_groups": ["watch"]}
    row["indicators"] = [{"type": "md5", "value": "ab" * 16}]

    def send() -> int:
        headers = {"authorization": f"Bearer {key}"}
        return Client().post("/api/v1/signals", json.dumps(row), "application/json", headers=headers).status_code

    assert sorted(at_once([send] * 8)) == [200] * 7 + [201]
    assert Signal.objects.count() == 1


def test_a_kind_stays_as_it_was_submitted(alpha: Organisation, group: SharingGroup) -> None:
    actor = factories.actor_for(alpha)
    submit_signals(actor=actor, items=[factories.signal_input(group, external_id="one", summary="First.")])
    other = factories.signal_input(group, external_id="one", kind="account", account=AccountInput("exampletube"))
    with pytest.raises(Invalid) as refused:
        services.submit_signal(actor=actor, item=other)
    assert [(problem.path, problem.code) for problem in refused.value.problems] == [("/kind", "kind_stays")]
    assert Signal.objects.get().summary == "First."


def suspend(alpha: Organisation, _group: SharingGroup) -> None:
    set_status(actor=factories.make_operator(), organisation=alpha, status="suspended", reason="Asked.")


def revoke(alpha: Organisation, _group: SharingGroup) -> None:
    revoke_client(actor=factories.make_operator(), client=ApiClient.objects.get(organisation=alpha), reason="Lost.")


def revoke_the_key(alpha: Organisation, _group: SharingGroup) -> None:
    revoke_key(actor=factories.make_operator(), key=ApiKey.objects.get(client__organisation=alpha), reason="Leaked.")


def take_the_scope(alpha: Organisation, _group: SharingGroup) -> None:
    ApiClient.objects.filter(organisation=alpha).update(scopes=["signals:read"])


def put_out(alpha: Organisation, group: SharingGroup) -> None:
    revoke_access(
        actor=factories.make_operator(), sharing_group=group, organisation=alpha,
        permission=GroupPermission.CONTRIBUTE, reason="Left.",
    )  # fmt: skip


def close(_alpha: Organisation, group: SharingGroup) -> None:
    set_group_status(actor=factories.make_operator(), sharing_group=group, status="closed", reason="Over.")


def lower(_alpha: Organisation, group: SharingGroup) -> None:
    SharingGroup.objects.filter(pk=group.pk).update(max_tlp="GREEN")


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """What is done between the preparation of a signal and its storing, by somebody else."""
    to_do: list[Callable[[], None]] = []
    prepare = Preparation.prepare

    def prepared(*args: Any, **kwargs: Any) -> Any:
        result = prepare(*args, **kwargs)
        while to_do:
            assert at_once([to_do.pop()]) == [None]
        return result

    monkeypatch.setattr(Preparation, "prepare", prepared)
    yield to_do


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (suspend, NotPermitted),
        (revoke, NotPermitted),
        (revoke_the_key, NotPermitted),
        (take_the_scope, NotPermitted),
        (put_out, Conflict),
        (close, Conflict),
        (lower, Conflict),
    ],
)
@pytest.mark.parametrize("way", ["submit", "change"])
def test_who_loses_the_right_during_preparation_stores_nothing(
    alpha: Organisation, group: SharingGroup, meanwhile: list[Any], change: Any, error: type[Exception], way: str
) -> None:
    factories.make_operator()
    stored = factories.submit(alpha, group, summary="First.")
    actor = replace(factories.actor_for(alpha), key_id=ApiKey.objects.get(client__organisation=alpha).pk)
    meanwhile.append(lambda: change(alpha, group))
    with pytest.raises(error):
        if way == "submit":
            submit_signals(actor=actor, items=[factories.signal_input(group)])
        else:
            update_signal(actor=actor, uuid=stored.uuid, changes={"summary": "Second."})
    assert [signal.summary for signal in Signal.objects.all()] == ["First."]


def test_who_may_only_read_by_now_stores_nothing(
    alpha: Organisation, group: SharingGroup, meanwhile: list[Any]
) -> None:
    person = factories.make_user(alpha)

    def demote() -> None:
        User.objects.filter(pk=person.pk).update(role=User.Role.AUDITOR)

    meanwhile.append(demote)
    with pytest.raises(NotPermitted):
        submit_signals(actor=actor_of_user(person), items=[factories.signal_input(group)])
    assert not Signal.objects.exists()


def test_a_suspension_waits_for_a_commit_and_then_holds(
    alpha: Organisation, group: SharingGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the rights were asked for the last time, a suspension is not answered before the commit."""
    factories.make_operator()
    actor, order = factories.actor_for(alpha), []
    ask = services.require_still
    threads: list[Thread] = []

    def suspended() -> None:
        try:
            suspend(alpha, group)
            order.append(("suspended", Signal.objects.count()))
        finally:
            connection.close()

    def asked(*args: Any) -> None:
        ask(*args)
        threads.append(Thread(target=suspended))
        threads[0].start()
        threads[0].join(1)
        order.append(("committing", 0))

    monkeypatch.setattr(services, "require_still", asked)
    submit_signals(actor=actor, items=[factories.signal_input(group)])
    threads[0].join(10)
    assert order == [("committing", 0), ("suspended", 1)]
