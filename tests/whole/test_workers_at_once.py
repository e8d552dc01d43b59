"""Two workers at once, in the one order in which they could undo each other's work."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Organisation
from hub.launcher.processes import wait_until
from hub.outbox.models import OutboxEvent
from sharing.matching import facts as facts_module
from sharing.matching import services, telling
from sharing.matching.facts import Facts, facts_from
from sharing.matching.index import Neighbour, near_index
from sharing.matching.models import Match
from sharing.signals.models import Signal
from sharing.visibility.models import GroupPermission, SharingGroup
from sharing.visibility.services import revoke_access
from tests import factories
from tests.matching.working import work_off

pytestmark = pytest.mark.django_db(transaction=True)
PDQ = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22"

Members = tuple[SharingGroup, list[Organisation]]


class HeldUp:
    """The first to ask for facts gets them, and then stands still until it is let go."""

    def __init__(self) -> None:
        self.has_looked, self.may_go_on = Event(), Event()

    def __call__(self, *asked: Any) -> Facts:
        facts = facts_from(*asked)
        if not self.has_looked.is_set():
            self.has_looked.set()
            assert self.may_go_on.wait(30.0)
        return facts


def worker(*signal_ids: int) -> Thread:
    """Matches one signal after the other, on a connection of its own."""

    def match_each() -> None:
        try:
            for signal_id in signal_ids:
                services.match_signals([signal_id])
        finally:
            connection.close()

    thread = Thread(target=match_each)
    thread.start()
    return thread


@pytest.fixture
def members() -> Members:
    group = factories.make_group()
    organisations = [factories.make_organisation() for _ in range(3)]
    for organisation in organisations:
        factories.give(organisation, group)
    return group, organisations


def told(organisation: Organisation) -> set[frozenset[int]]:
    """Pairs of signals."""
    rows = Match.objects.filter(recipient=organisation).values_list("signal", "related")
    return {frozenset({signal, other}) for signal, related in rows for other in related}


def test_a_worker_that_was_held_up_undoes_nothing(members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    group, (alpha, beta, gamma) = members
    ours = factories.submit(alpha, group, indicators=[("pdq", PDQ)])
    earlier = factories.submit(beta, group, indicators=[("pdq", PDQ)])
    held_up = HeldUp()
    monkeypatch.setattr(services, "facts_from", held_up)
    slow = worker(ours.pk)
    assert held_up.has_looked.wait(30.0)
    # It has seen two signals. Now there is a third, and a second worker is asked about the first and the third.
    later = factories.submit(gamma, group, indicators=[("pdq", PDQ)])
    quick = worker(ours.pk, later.pk)
    quick.join(1.0)
    held_up.may_go_on.set()
    for thread in (slow, quick):
        thread.join(30.0)
        assert not thread.is_alive()
    for organisation in (alpha, beta, gamma):
        assert {frozenset({ours.pk, earlier.pk}), frozenset({ours.pk, later.pk})} <= told(organisation)


class Between:
    """The index, and something that happens once between two of its answers."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._index, self._happens = near_index(), [happens]

    def neighbours(self, signal_type: str, values: Sequence[bytes], threshold: int) -> list[list[Neighbour]]:
        found = self._index.neighbours(signal_type, values, threshold)
        if self._happens:
            thread = Thread(target=_and_close(self._happens.pop()))
            thread.start()
            thread.join(30.0)
        return found


def _and_close(happens: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            happens()
        finally:
            connection.close()

    return run


def test_a_signal_that_comes_between_two_looks_is_told_of_with_all_its_evidence(
    members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, (alpha, beta, _gamma) = members
    hashes = [("pdq", PDQ), ("phash", PDQ[:16]), ("dhash", PDQ[16:32])]
    first = factories.submit(alpha, group, indicators=hashes)
    index = Between(lambda: factories.submit(beta, group, indicators=hashes))
    monkeypatch.setattr(facts_module, "near_index", lambda: index)
    services.match_signals([first.pk])
    second = Signal.objects.exclude(pk=first.pk).get()
    assert told(alpha) == set(), "its own turn is to come"
    services.match_signals([second.pk])
    row = Match.objects.get(recipient=alpha)
    assert {(row.signal_id, *row.related)} == {(second.pk, first.pk)}
    assert len(row.evidence) == len(hashes)


@pytest.mark.parametrize("asked_again", ["earlier", "later"])
def test_a_match_stays_when_its_other_side_is_submitted_again_between_two_looks(
    members: Members, monkeypatch: pytest.MonkeyPatch, asked_again: str
) -> None:
    group, (alpha, beta, _gamma) = members
    hashes = [("pdq", PDQ), ("phash", PDQ[:16])]

    def submit(member: Organisation) -> Signal:
        return factories.submit(member, group, external_id="the same", indicators=hashes)

    sides = {"earlier": submit(alpha), "later": submit(beta)}
    for filed_under in sides.values():
        services.match_signals([filed_under.pk])
    before = list(Match.objects.order_by("pk").values("pk", "recipient", "signal", "related"))
    assert {row["signal"] for row in before} == {sides["earlier"].pk}
    Match.objects.update(verdict=Match.Verdict.TRUE_POSITIVE)

    others = {"earlier": beta, "later": alpha}[asked_again]
    monkeypatch.setattr(facts_module, "near_index", lambda: between)
    between = Between(lambda: submit(others))
    services.match_changed([OutboxEvent(payload={"signals": [sides[asked_again].pk]})])
    assert list(Match.objects.order_by("pk").values("pk", "recipient", "signal", "related")) == before
    work_off()
    assert list(Match.objects.order_by("pk").values("pk", "recipient", "signal", "related")) == before
    assert set(Match.objects.values_list("verdict", flat=True)) == {Match.Verdict.TRUE_POSITIVE}


def alerts(organisation: Organisation) -> list[tuple[int, list[int]]]:
    return list(Match.objects.filter(recipient=organisation).order_by("signal").values_list("signal", "related"))


def test_a_pair_that_is_matched_in_one_go_is_told_once(members: Members) -> None:
    """Under the later one; and looking again must not leave it to the other on both sides."""
    group, (alpha, beta, _gamma) = members
    first, second = (factories.submit(member, group, indicators=[("pdq", PDQ)]).pk for member in (alpha, beta))
    for asked in ([first, second], [second, first], [first], [second], [first, second]):
        services.match_signals(asked)
        assert alerts(alpha) == alerts(beta) == [(second, [first])]


def test_a_pair_that_has_been_told_of_from_both_sides_stays(members: Members) -> None:
    group, (alpha, beta, _gamma) = members
    first, second = (factories.submit(member, group, indicators=[("pdq", PDQ)]).pk for member in (alpha, beta))
    services.match_signals([first])
    told_first = Match.objects.get(recipient=alpha)
    services.match_signals([first, second])
    assert alerts(alpha) == [(first, [second])], "as it was told"
    Match.objects.create(
        recipient=alpha, signal_id=second, strength=1, related_count=1, related=[first], evidence=told_first.evidence
    )
    for asked in ([first, second], [first], [second]):
        services.match_signals(asked)
        assert alerts(alpha) == [(first, [second]), (second, [first])]


def test_a_pair_that_two_workers_match_at_the_same_moment_is_told_once(
    members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have seen both signals before either has told anybody."""
    group, (alpha, beta, _gamma) = members
    for _ in range(10):
        pair = [factories.submit(member, group, indicators=[("pdq", secrets.token_hex(32))]) for member in (alpha,)]
        pair.append(factories.submit(beta, group, indicators=[("pdq", _value_of(pair[0]))]))
        both = Barrier(2)

        def facts_together(*asked: Any, both: Barrier = both) -> Facts:
            facts = facts_from(*asked)
            both.wait(30.0)
            return facts

        monkeypatch.setattr(services, "facts_from", facts_together)
        for thread in [worker(signal.pk) for signal in pair]:
            thread.join(30.0)
            assert not thread.is_alive()
        for organisation in (alpha, beta):
            rows = Match.objects.filter(recipient=organisation, signal__in=pair).values_list("signal", "related")
            ((signal_id, related),) = rows
            assert {signal_id, *related} == {signal.pk for signal in pair}


def test_who_regains_sight_while_a_worker_waits_keeps_its_match(members: Members) -> None:
    """The worker began when alpha saw nothing. What it writes is by what alpha sees when it has waited."""
    group, (alpha, beta, gamma) = members
    shared, others = ("sha256", secrets.token_hex(32)), ("sha256", secrets.token_hex(32))
    other = factories.submit(gamma, group, match=True, indicators=[others])
    early = factories.submit(alpha, group, match=True, indicators=[shared])
    later = factories.submit(beta, group, match=True, indicators=[shared, others])
    assert frozenset({early.pk, later.pk}) in told(alpha)
    work_off()  # what the members gained before
    operator, view = factories.make_operator(), GroupPermission.VIEW
    revoke_access(actor=operator, sharing_group=group, organisation=alpha, permission=view, reason="Left.")
    told_of_other, may_end = Event(), Event()

    def tells_of_other() -> None:
        with transaction.atomic():
            telling._one_teller_at_a_time([other.pk])
            told_of_other.set()
            assert may_end.wait(30.0)

    busy = Thread(target=_and_close(tells_of_other))
    busy.start()
    assert told_of_other.wait(30.0)
    slow = worker(later.pk)
    assert wait_until(somebody_waits, seconds=30.0, every=0.01)
    factories.give(alpha, group)
    work_off("visibility.gained", "rematch.step")
    may_end.set()
    for thread in (busy, slow):
        thread.join(30.0)
        assert not thread.is_alive()
    assert frozenset({early.pk, later.pk}) in told(alpha)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])


def test_a_pair_that_finds_no_room_in_the_later_row_is_in_the_earlier_one(
    members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "MAX_RELATED", 3)
    group, (alpha, beta, _gamma) = members
    old = [factories.submit(alpha, group, indicators=[("pdq", PDQ)]).pk for _ in range(5)]
    new = factories.submit(beta, group, indicators=[("pdq", PDQ)]).pk
    services.match_signals([*old, new])
    assert told(alpha) == {frozenset({one, new}) for one in old}


def _value_of(signal: Signal) -> str:
    return bytes(signal.indicators.get().value).hex()
