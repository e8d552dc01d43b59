"""Stored signals are matched again: all of them or those of one organisation, once each, whatever happens meanwhile."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organisation
from hub.audit.models import AuditEntry
from hub.errors import Conflict, Invalid, NotPermitted
from hub.outbox.models import OutboxEvent
from hub.outbox.services import handle
from sharing.matching import rematching
from sharing.matching.models import Match, Rematch
from sharing.matching.rematches import cancel_rematch, start_rematch
from sharing.matching.rematching import take_steps
from sharing.matching.services import give_verdict, match_signals
from sharing.matching.telling import MAX_RELATED
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from tests import factories
from tests.matching.working import open_work, work_off
from tests.members import member_of

pytestmark = pytest.mark.django_db
MD5 = "900150983cd24fb0d6963f7d28e17f72"
PHASH = "d1c4c6b3932e6c5a"
WHY = "The threshold was lowered."


def start(**fields: Any) -> Rematch:
    return start_rematch(actor=factories.make_operator(), **{"reason": WHY, **fields})


def pairs(count: int, *organisations: Organisation, group: SharingGroup) -> None:
    """`count` values, each submitted by every organisation; never matched, as under rules that found nothing."""
    for number in range(count):
        for organisation in organisations:
            factories.submit(organisation, group, indicators=[("md5", f"{number:032x}")])
    OutboxEvent.objects.all().delete()


def told() -> set[tuple[str, int, tuple[int, ...]]]:
    rows = Match.objects.exclude(related=[]).values_list("recipient__slug", "signal", "related")
    return {(slug, signal, tuple(related)) for slug, signal, related in rows}


def finished(rematch: Rematch) -> Rematch:
    work_off("rematch.step")
    rematch.refresh_from_db()
    assert rematch.state == Rematch.State.FINISHED
    return rematch


def test_what_was_missed_is_found_and_counted(alpha: Organisation, beta: Organisation, group: SharingGroup) -> None:
    pairs(3, alpha, beta, group=group)
    agency = member_of("agency", group, "view")
    rematch = finished(start())
    assert (rematch.total, rematch.done, rematch.found) == (6, 6, 9)
    found = Match.objects.filter(rematch=rematch)
    assert found.count() == Match.objects.count() == 9
    assert found.filter(recipient=agency).count() == 3
    # Filed as a submission files them: under the later signal of each pair.
    assert {match.signal.organisation for match in found} == {beta}


def test_matching_again_what_is_known_tells_nobody_anything_and_keeps_verdicts(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    for organisation in (alpha, beta):
        for _ in range(MAX_RELATED + 10):
            factories.submit(organisation, group, match=True, indicators=[("md5", MD5)])
    # A crowd: each row names only the closest, so most of the pairs are named nowhere.
    before = told()
    match = Match.objects.filter(recipient=alpha).latest("pk")
    give_verdict(actor=factories.actor_for(alpha), uuid=match.uuid, verdict="true_positive", note="Seen.")
    assert finished(start()).found == 0
    assert told() == before
    assert not Match.objects.filter(rematch__isnull=False).exists()
    match.refresh_from_db()
    assert (match.verdict, match.note) == ("true_positive", "Seen.")


def test_a_pair_is_told_once_also_when_its_row_is_that_of_the_earlier_signal(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    first = factories.submit(alpha, group, indicators=[("md5", MD5)])
    factories.submit(beta, group, indicators=[("md5", MD5)])
    match_signals([first.pk])  # as after a change of the first
    before = told()
    assert {signal for _slug, signal, _related in before} == {first.pk}
    assert finished(start()).found == 0
    assert told() == before


def test_only_signals_with_the_type_are_matched(alpha: Organisation, beta: Organisation, group: SharingGroup) -> None:
    for organisation in (alpha, beta):
        factories.submit(organisation, group, indicators=[("md5", MD5)])
        factories.submit(organisation, group, indicators=[("phash", PHASH)])
    OutboxEvent.objects.all().delete()
    rematch = finished(start(signal_type="phash"))
    assert (rematch.total, rematch.done, rematch.found) == (2, 2, 2)
    kinds = {match.evidence[0]["type"] for match in Match.objects.all()}
    assert kinds == {"phash"}


def test_signals_that_nobody_else_sees_are_left_out(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    pairs(2, alpha, beta, group=group)
    Signal.objects.filter(organisation=beta).update(expires_at=timezone.now() - timedelta(seconds=1))
    rematch = finished(start())
    assert (rematch.total, rematch.done, rematch.found) == (2, 2, 0)


def test_signals_that_come_meanwhile_are_left_to_their_own_submission(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    pairs(1, alpha, beta, group=group)
    rematch = start()
    (event_id,) = open_work("rematch.step")
    event = OutboxEvent.objects.get(pk=event_id)
    assert rematching._take_chunk(event)
    late = factories.submit(beta, group, indicators=[("md5", f"{0:032x}")])
    take_steps([event])
    assert not Match.objects.filter(signal=late).exists()
    work_off("signals.changed")
    assert Match.objects.filter(signal=late, rematch=None).count() == 2
    assert finished(rematch).total == 2


class Killed(BaseException):
    """Ends the worker where it stands: nothing that catches errors catches this."""


@pytest.mark.parametrize("chunk", [1, 3])
@pytest.mark.parametrize("seconds", [0.0, 60.0], ids=["a chunk for each piece of work", "all in one"])
def test_whatever_is_killed_it_goes_on_and_finds_each_match_once(
    alpha: Organisation,
    beta: Organisation,
    group: SharingGroup,
    monkeypatch: pytest.MonkeyPatch,
    chunk: int,
    seconds: float,
) -> None:
    pairs(4, alpha, beta, group=group)
    monkeypatch.setattr(rematching, "CHUNK", chunk)
    monkeypatch.setattr(rematching, "STEP_SECONDS", seconds)
    rematch = start()
    chance = random.Random(4)

    def perhaps_killed() -> None:
        if chance.random() < 0.4:
            raise Killed

    # Each of these is a moment at which a kill leaves something half done: within a chunk, and after its commit.
    for name in ("still_working", "hand_on"):
        real = getattr(rematching, name)

        def patched(*args: Any, real: Any = real, **kwargs: Any) -> None:
            perhaps_killed()
            real(*args, **kwargs)

        monkeypatch.setattr(rematching, name, patched)
    for _ in range(200):
        try:
            handle(open_work("rematch.step"), take_steps)
        except Killed:
            continue
        if not open_work("rematch.step"):
            break
    rematch.refresh_from_db()
    assert rematch.state == Rematch.State.FINISHED
    assert (rematch.total, rematch.done, rematch.found) == (8, 8, 8)
    assert len(told()) == Match.objects.count() == 8


def test_a_left_over_piece_of_work_does_nothing(alpha: Organisation, beta: Organisation, group: SharingGroup) -> None:
    """A worker that was killed between emitting the next piece and marking its own as done gets its own again."""
    pairs(1, alpha, beta, group=group)
    rematch = start()
    (first,) = open_work("rematch.step")
    event = OutboxEvent.objects.get(pk=first)
    rematching._take_chunk(event)
    rematching._pass_on(event)
    assert len(open_work("rematch.step")) == 2
    take_steps([event])
    rematch.refresh_from_db()
    assert (rematch.state, rematch.done) == (Rematch.State.RUNNING, 0)
    assert len(open_work("rematch.step")) == 2


def test_a_piece_of_work_ends_when_its_time_is_up(
    alpha: Organisation, beta: Organisation, group: SharingGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs(3, alpha, beta, group=group)
    monkeypatch.setattr(rematching, "CHUNK", 1)
    monkeypatch.setattr(rematching, "STEP_SECONDS", 0.0)
    start()
    assert work_off("rematch.step") == 1 + 6


def test_two_at_a_time_take_turns(
    alpha: Organisation, beta: Organisation, group: SharingGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs(4, alpha, beta, group=group)
    monkeypatch.setattr(rematching, "CHUNK", 1)
    monkeypatch.setattr(rematching, "STEP_SECONDS", 0.0)
    start(), start()
    turns = []
    while waiting := open_work("rematch.step"):
        handle(waiting, take_steps)
        turns.append(tuple(Rematch.objects.order_by("pk").values_list("done", flat=True)))
    assert all(abs(one - other) <= 1 for one, other in turns)
    assert turns[-1] == (8, 8)


@pytest.mark.parametrize("chunk", [1, 2, 200])
def test_few_among_many_are_found_window_by_window(
    alpha: Organisation, beta: Organisation, group: SharingGroup, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(rematching, "WINDOW", 3)
    monkeypatch.setattr(rematching, "CHUNK", chunk)
    factories.submit(alpha, group, indicators=[("phash", PHASH)])
    pairs(5, alpha, beta, group=group)
    factories.submit(beta, group, indicators=[("phash", PHASH)])
    rematch = finished(start(signal_type="phash"))
    assert (rematch.done, rematch.found) == (2, 2)


def test_a_chunk_asks_the_database_as_often_for_many_signals_as_for_few(
    alpha: Organisation, beta: Organisation, group: SharingGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {}
    for size in (1, 10, 50):
        pairs(size, alpha, beta, group=group)
        Match.objects.all().delete()
        rematch = start()
        event = OutboxEvent.objects.get(pk=open_work("rematch.step")[-1])
        rematching._take_chunk(event)
        with CaptureQueriesContext(connection) as captured:
            rematching._take_chunk(event)
        rematch.refresh_from_db()
        assert rematch.done == Signal.objects.count()
        counts[size] = len(captured)
    assert len(set(counts.values())) == 1, counts


def test_cancelling_stops_at_the_next_chunk_and_keeps_what_was_found(
    alpha: Organisation, beta: Organisation, group: SharingGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs(2, alpha, beta, group=group)
    monkeypatch.setattr(rematching, "CHUNK", 2)
    rematch, operator = start(), factories.make_operator()
    event = OutboxEvent.objects.get(pk=open_work("rematch.step")[0])
    for _ in range(2):
        rematching._take_chunk(event)
    cancel_rematch(actor=operator, uuid=rematch.uuid, reason="Not now.")
    work_off("rematch.step")
    rematch.refresh_from_db()
    assert (rematch.state, rematch.done, rematch.found) == (Rematch.State.CANCELLED, 2, 2)
    assert Match.objects.count() == 2
    entry = AuditEntry.objects.get(action="rematch.cancelled")
    assert (entry.object_id, entry.reason) == (str(rematch.uuid), "Not now.")
    with pytest.raises(Conflict):
        cancel_rematch(actor=operator, uuid=rematch.uuid, reason="Again.")


def test_only_administrators_of_the_hub_start_and_cancel(alpha: Organisation) -> None:
    with pytest.raises(NotPermitted):
        start_rematch(actor=factories.actor_for(alpha), reason=WHY)
    rematch = start()
    assert AuditEntry.objects.get(action="rematch.started").reason == WHY
    with pytest.raises(NotPermitted):
        cancel_rematch(actor=factories.actor_for(alpha), uuid=rematch.uuid, reason=WHY)


def test_a_reason_and_a_known_type_are_asked_for(alpha: Organisation) -> None:
    with pytest.raises(Invalid) as refused:
        start(reason=" ", signal_type="nonsense")
    assert [problem.path for problem in refused.value.problems] == ["/reason", "/signal_type"]
    assert "phash" in refused.value.problems[1].mend
    with pytest.raises(Invalid):
        start(reason="Asked for by someone@example.org")
    with pytest.raises(IntegrityError), transaction.atomic():
        Rematch.objects.create(cause=Rematch.Cause.SIGHT)
