"""What organisations are told of a flood: one notice each, which grows (floor 4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import F
from django.db.models.functions import Now

from sharing.matching.facts import LIVE
from sharing.matching.floods.models import Flood, FloodNotice, FloodSignal
from sharing.signals.models import Signal, SignalIndicator
from sharing.signals.selectors import audience_ids

# Newest signals in a notice.
MAX_NEWEST = 20
# Signals whose audience is asked for at once.
CHUNK = 2_000


@dataclass(slots=True)
class Crowd:
    """Signals that a flood holds back, each with the indicator by which it belongs there."""

    flood: Flood
    reached_by: dict[int, int] = field(default_factory=dict)
    # The flood's witnesses with new ones among them, to be stored; empty when there are no new ones.
    witnesses: list[int] = field(default_factory=list)


def seed(flood: Flood, indicator_ids: Sequence[int]) -> None:
    """Remember for each organisation which signals of a new flood it sees already, telling nothing yet.

    The next signal concerns an organisation only if it sees one of another organisation beside it, and that one may be
    from before the flood. Reads each signal of the crowd, once in the life of a flood.
    """
    held = SignalIndicator.objects.filter(LIVE, indicator__in=indicator_ids).order_by("-signal").values_list("signal")
    signal_ids = list(dict.fromkeys(pk for (pk,) in held))
    seen: dict[int, list[int]] = defaultdict(list)
    owners: dict[int, int] = {}
    for start in range(0, len(signal_ids), CHUNK):
        chunk = signal_ids[start : start + CHUNK]
        owners |= _owners(chunk)
        audiences = audience_ids(chunk)
        for signal_id in chunk:
            for recipient in audiences.get(signal_id, frozenset()):
                seen[recipient].append(signal_id)
        seen = defaultdict(list, {recipient: newest(ids, owners) for recipient, ids in seen.items()})
    FloodNotice.objects.bulk_create(
        FloodNotice(recipient_id=recipient, flood=flood, told=0, newest=ids) for recipient, ids in sorted(seen.items())
    )


def summarise(crowds: Mapping[int, Crowd]) -> None:
    """Tell of signals that floods hold back. Repeating it changes nothing."""
    # In one order everywhere, so that two workers wait for each other instead of dead-locking. And whoever summarises
    # the same flood waits, so that no notice is overwritten with an older list.
    locked = Flood.objects.select_for_update().filter(pk__in=crowds).order_by("pk")
    for flood in locked if crowds else ():
        crowd = crowds[flood.pk]
        if len(crowd.witnesses) > len(flood.witnesses):
            Flood.objects.filter(pk=flood.pk).update(witnesses=crowd.witnesses)
        if flood.in_force == Flood.Decision.OPEN:
            _summarise(flood, crowd.reached_by)


def _summarise(flood: Flood, reached_by: dict[int, int]) -> None:
    notices = {notice.recipient_id: notice for notice in FloodNotice.objects.filter(flood=flood)}
    listed = {pk for notice in notices.values() for pk in notice.newest}
    audiences = audience_ids(listed | reached_by.keys())
    owners = _owners(listed | reached_by.keys())
    counted = set(FloodSignal.objects.filter(flood=flood, signal__in=reached_by).values_list("signal", flat=True))
    fresh = sorted(pk for pk in reached_by if pk in audiences and pk not in counted)
    FloodSignal.objects.bulk_create(FloodSignal(flood=flood, signal_id=pk) for pk in fresh)
    Flood.objects.filter(pk=flood.pk).update(summarised=F("summarised") + len(fresh))
    changed = []
    for recipient in sorted({one for pk in reached_by for one in audiences.get(pk, frozenset())}):
        notice = notices.get(recipient) or FloodNotice(recipient_id=recipient, flood=flood, told=0, newest=[])
        sees = {pk for pk in reached_by if recipient in audiences.get(pk, frozenset())}
        # Counted before its audience grew, a signal is new to those who have no notice yet.
        told = sees - counted if notice.pk else sees
        still = {pk for pk in notice.newest if recipient in audiences.get(pk, frozenset())}
        ids = newest(still | sees, owners)
        if told or ids != notice.newest:
            notice.told, notice.newest, notice.updated_at = notice.told + len(told), ids, Now()
            notice.indicator_id = reached_by[max(told or sees)]
            changed.append(notice)
    known = [notice for notice in changed if notice.pk]
    FloodNotice.objects.bulk_create([notice for notice in changed if not notice.pk])
    FloodNotice.objects.bulk_update(known, ["told", "newest", "indicator", "updated_at"])


def newest(signal_ids: Iterable[int], owners: Mapping[int, int]) -> list[int]:
    """The newest of these, newest first, and always one of a second organisation where there is one."""
    ordered = sorted(signal_ids, reverse=True)
    kept = ordered[:MAX_NEWEST]
    if len({owners.get(pk) for pk in kept}) == 1:
        another = next((pk for pk in ordered[MAX_NEWEST:] if owners.get(pk) != owners.get(kept[0])), None)
        if another is not None:
            kept[-1] = another
    return kept


def _owners(signal_ids: Iterable[int]) -> dict[int, int]:
    return dict(Signal.objects.filter(pk__in=list(signal_ids)).values_list("pk", "organisation"))
