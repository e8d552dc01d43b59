"""Matching stored signals again, step by step (floor 4). How it begins and is cancelled: rematches.py.

The work is a row (Rematch) that knows how far it has come. A piece of work in the outbox carries it on for a moment,
a chunk of signals in each transaction, and ends by emitting the next one. Whatever is killed, the row says where to go
on.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from accounts.models import Organisation
from hub.outbox.models import OutboxEvent
from hub.outbox.services import still_working
from sharing.matching.models import Match, Rematch
from sharing.matching.rematches import announce_end, hand_on
from sharing.matching.services import chunk_size, match_signals
from sharing.signals.models import Signal, SignalIndicator, SignalQuerySet, is_live

# A worker is kept from fresh submissions for this long, and one chunk more; it goes on when its turn comes again.
STEP_SECONDS: Final = 0.5
CHUNK: Final = 200
# Ids looked through for one chunk, where few signals are live or hold the type: no transaction walks a whole table.
WINDOW: Final = 50_000


def sight_gained(events: list[OutboxEvent]) -> None:
    """Check the signals of organisations that see more than before, once for each, whatever it gained at a time.

    An organisation without a live signal has nothing to check. Repeated after a kill it may check twice, and finds
    nothing the second time.
    """
    gained: dict[int, set[int]] = defaultdict(set)
    for event in events:
        for organisation_id in event.payload["organisations"]:
            gained[organisation_id].update(filter(None, [event.payload["group"]]))
    live = Signal.objects.filter(is_live(), organisation=OuterRef("pk"))
    with_signals = Organisation.objects.filter(Exists(live), pk__in=gained, status=Organisation.Status.ACTIVE)
    for organisation in with_signals.order_by("pk"):
        _check_signals_of(organisation, gained[organisation.pk])
        still_working(events)


def _check_signals_of(organisation: Organisation, group_ids: Iterable[int]) -> None:
    with transaction.atomic():
        # One that has not begun will see what was gained meanwhile: one summary instead of two.
        waiting = Rematch.objects.filter(for_organisation=organisation, state=Rematch.State.QUEUED)
        rematch = waiting.select_for_update(no_key=True).first()
        if rematch is None:
            rematch = Rematch.objects.create(cause=Rematch.Cause.SIGHT, for_organisation=organisation)
            hand_on(rematch)
        rematch.groups.add(*group_ids)


def take_steps(events: list[OutboxEvent]) -> None:
    """Carry on the re-matchings that these pieces of work name, one after the other, until the time is up.

    Who has had no turn then comes first the next time, so that an organisation which joins a group does not wait for
    the end of a re-matching of everything.
    """
    until = time.monotonic() + STEP_SECONDS
    waiting, unfinished = deque(events), []
    while waiting and (len(waiting) == len(events) or time.monotonic() < until):
        event = waiting.popleft()
        goes_on = _take_chunk(event)
        while goes_on and time.monotonic() < until:
            goes_on = _take_chunk(event)
            still_working(events)
        if goes_on:
            unfinished.append(event)
    for event in (*waiting, *unfinished):
        _pass_on(event)


def _take_chunk(event: OutboxEvent) -> bool:
    """One transaction: match a chunk, note how far that is. Gives whether there is more to do."""
    with transaction.atomic():
        rematch = _carried_on_by(event)
        if rematch is None:
            return False
        if rematch.up_to_id is None:
            _begin(rematch)
        else:
            _match_next(rematch)
        if rematch.done_id >= (rematch.up_to_id or 0):
            rematch.state, rematch.finished_at = Rematch.State.FINISHED, timezone.now()
            announce_end(rematch)
        rematch.save()
    return rematch.state == Rematch.State.RUNNING


def _pass_on(event: OutboxEvent) -> None:
    with transaction.atomic():
        rematch = _carried_on_by(event)
        if rematch is not None:
            hand_on(rematch)


def _carried_on_by(event: OutboxEvent) -> Rematch | None:
    """The re-matching, locked; None when it has ended or another piece of work carries it on.

    A second worker with the same piece of work waits here instead of leaving: who leaves marks the work as done, and
    the first one may be killed after that.
    """
    locked = Rematch.objects.open().select_for_update(no_key=True)
    return locked.filter(pk=event.payload["rematch"], step_event_id=event.pk).first()


def _begin(rematch: Rematch) -> None:
    """Count what is to be done.

    Not when it was asked for: a signal that is committed between the two may have been matched by the old rules, before
    the new ones were committed. From here on they are, so whatever comes now is matched by them when it comes.
    """
    rematch.state, rematch.started_at = Rematch.State.RUNNING, timezone.now()
    signals = _scope(rematch)
    rematch.total = signals.count()
    rematch.up_to_id = signals.aggregate(last=Max("pk"))["last"] or 0


def _match_next(rematch: Rematch) -> None:
    assert rematch.up_to_id is not None
    end, size = rematch.up_to_id, CHUNK
    if rematch.for_organisation_id is None:
        end, size = min(end, rematch.done_id + WINDOW), chunk_size(CHUNK)
    chunk = _scope(rematch).filter(pk__gt=rematch.done_id, pk__lte=end).order_by("pk")
    ids = list(chunk.values_list("pk", flat=True)[:size])
    if ids:
        match_signals(ids, rematch=rematch)
        rematch.found += Match.objects.filter(rematch=rematch, signal__in=ids).count()
        rematch.done += len(ids)
    rematch.done_id = ids[-1] if len(ids) == size else end


def _scope(rematch: Rematch) -> SignalQuerySet:
    """The signals to match. Others see live ones only, so nobody is to be told of the rest."""
    signals = Signal.objects.filter(is_live())
    if rematch.for_organisation_id is not None:
        signals = signals.filter(organisation=rematch.for_organisation_id)
    if rematch.signal_type:
        holds = SignalIndicator.objects.filter(signal=OuterRef("pk"), indicator__signal_type=rematch.signal_type)
        signals = signals.filter(Exists(holds))
    return signals
