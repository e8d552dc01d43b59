"""Writing prepared signals, set by set and never row by row (floor 3). Callers hold the transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from django.contrib.auth.models import Permission
from django.db.models import Q
from django.db.models.functions import Now

from accounts.actor import Actor
from accounts.models import Organisation
from sharing import signal_types
from sharing.signals.frames import VideoFrame
from sharing.signals.indicators import Indicator
from sharing.signals.models import AccountDetail, Share, Signal, SignalGrant, SignalIndicator
from sharing.signals.preparation import PreparedIndicator, PreparedSignal

_LOOK_UP_CHUNK = 1_000
_COPIED = ("kind", "harm", "severity", "confidence", "tlp", "subject_role", "summary", "lawful_basis", "observed_at")


def insert_or_lock(organisation: Organisation, prepared: Sequence[PreparedSignal]) -> list[tuple[Signal, bool]]:
    """For each row its signal, in their order, and whether it is new: inserted with the row's content, or the one that
    has its external_id, locked and as it stands.

    New rows are inserted in the order of their external_id, and only then is what was there locked, in one order too:
    batches that name the same rows wait for each other and can't dead-lock. Who waited finds the row of who was first.
    """
    made = [_filled(Signal(organisation=organisation), item) for item in prepared]
    Signal.objects.bulk_create([signal for signal in made if signal.external_id is None])
    named = sorted(
        (signal for signal in made if signal.external_id is not None), key=lambda signal: signal.external_id or ""
    )
    if not named:
        return [(signal, True) for signal in made]
    there = Signal.objects.filter(organisation=organisation, external_id__in=[signal.external_id for signal in named])
    known = set(there.values_list("external_id", flat=True))
    Signal.objects.bulk_create([item for item in named if item.external_id not in known], ignore_conflicts=True)
    # no_key: a match that refers to one of these is written without waiting for this batch or dead-locking with it.
    locked = there.select_for_update(no_key=True).order_by("external_id")
    stored = {signal.external_id: signal for signal in locked}
    return [
        (signal, True) if signal.external_id is None else _as_stored(signal, stored[signal.external_id])
        for signal in made
    ]


def _as_stored(made: Signal, stored: Signal) -> tuple[Signal, bool]:
    return stored, stored.uuid == made.uuid


def overwrite_signals(signals: Sequence[Signal], prepared: Sequence[PreparedSignal]) -> None:
    """Give locked, existing signals the content of their new submission."""
    for signal, item in zip(signals, prepared, strict=True):
        _filled(signal, item)
    # Not bulk_update: its CASE of every row in every column takes several times as long.
    Signal.objects.bulk_create(
        signals,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[*_COPIED, "expires_at", "updated_at"],
    )


def _filled(signal: Signal, item: PreparedSignal) -> Signal:
    for name in _COPIED:
        setattr(signal, name, getattr(item.source, name))
    signal.external_id = item.source.external_id
    signal.expires_at = item.expires_at
    signal.updated_at = Now()
    return signal


def replace_links(
    actor: Actor,
    signals: Sequence[Signal],
    prepared: Sequence[PreparedSignal],
    *,
    keeps_indicators: bool = False,
) -> None:
    """Indicators, groups, named organisations and account details become exactly what the submissions say."""
    ids = [signal.pk for signal in signals]
    pairs = list(zip(signals, prepared, strict=True))
    if not keeps_indicators:
        _replace_indicators(ids, pairs)
    _share(ids, pairs)
    name_organisations(actor, pairs)
    AccountDetail.objects.filter(signal__in=ids).delete()
    insert_accounts(pairs)


def insert_accounts(pairs: Iterable[tuple[Signal, PreparedSignal]]) -> None:
    AccountDetail.objects.bulk_create(
        AccountDetail(
            signal=signal,
            platform=item.source.account.platform,
            behaviours=list(item.source.account.behaviours),
            enforcement=item.source.account.enforcement,
            enforced_at=item.source.account.enforced_at,
        )
        for signal, item in pairs
        if item.source.account is not None
    )


def _replace_indicators(ids: Sequence[int], pairs: Iterable[tuple[Signal, PreparedSignal]]) -> None:
    SignalIndicator.objects.filter(signal__in=ids).delete()
    pairs = list(pairs)
    indicator_ids = indicator_ids_of(indicator for _signal, item in pairs for indicator in item.indicators)
    SignalIndicator.objects.bulk_create(
        SignalIndicator(signal=signal, indicator_id=indicator_ids[indicator.identity], quality=indicator.quality)
        for signal, item in pairs
        for indicator in item.indicators
    )
    videos = {
        indicator_ids[indicator.identity]: indicator
        for _signal, item in pairs
        for indicator in item.indicators
        if indicator.frames
    }
    if videos:
        insert_frames(videos)


def insert_frames(videos: dict[int, PreparedIndicator]) -> None:
    """Give videos that are new to the hub their frames. The frames are a video's identity: they never change."""
    known = set(VideoFrame.objects.filter(video__in=videos).values_list("video", flat=True).distinct())
    frames = {
        pk: [
            (PreparedIndicator(signal_types.get(video.signal_type).parts, frame.hash, "", None), frame.second)
            for frame in video.frames
        ]
        for pk, video in videos.items()
        if pk not in known
    }
    # The frames' type sorts after all others, so that this second look-up keeps to the one order of locks.
    frame_ids = indicator_ids_of(frame for held in frames.values() for frame, _second in held)
    VideoFrame.objects.bulk_create(
        (
            VideoFrame(video_id=pk, frame_id=frame_ids[frame.identity], second=second)
            for pk, held in frames.items()
            for frame, second in held
        ),
        batch_size=5_000,
    )


def _share(ids: Sequence[int], pairs: Iterable[tuple[Signal, PreparedSignal]]) -> None:
    """What stays is left alone: feeds remember every share that was taken away."""
    wanted = {(signal.pk, group.pk): (signal, group) for signal, item in pairs for group in item.groups}
    kept, gone = _compared(wanted, Share.objects.filter(signal__in=ids).values_list("pk", "signal", "sharing_group"))
    if gone:
        Share.objects.filter(pk__in=gone).delete()
    Share.objects.bulk_create(
        Share(signal=signal, sharing_group=group) for key, (signal, group) in wanted.items() if key not in kept
    )


def name_organisations(actor: Actor, pairs: Sequence[tuple[Signal, PreparedSignal]]) -> None:
    """The organisations that these signals name become exactly those of the submissions."""
    wanted = {(signal.pk, named.group_id): (signal, named) for signal, item in pairs for named in item.named}
    grants = SignalGrant.objects.filter(content_object__in=[signal.pk for signal, _item in pairs])
    kept, gone = _compared(wanted, grants.values_list("pk", "content_object", "group"))
    if gone:
        SignalGrant.objects.filter(pk__in=gone).delete()
    if not wanted.keys() - kept:
        return
    view = Permission.objects.get(
        codename="view_signal", content_type__app_label="sharing", content_type__model="signal"
    )
    SignalGrant.objects.bulk_create(
        SignalGrant(
            content_object=signal,
            group_id=named.group_id,
            permission=view,
            reason="Named by the submitter.",
            granted_by=actor.user,
        )
        for key, (signal, named) in wanted.items()
        if key not in kept
    )


_Pair = tuple[int, int]


def _compared(wanted: Collection[_Pair], stored: Iterable[tuple[int, int, int]]) -> tuple[set[_Pair], list[int]]:
    """Of rows (id, signal, with whom): the pairs that are wanted, and the ids of the others."""
    kept, gone = set(), []
    for pk, signal, whom in stored:
        if (signal, whom) in wanted:
            kept.add((signal, whom))
        else:
            gone.append(pk)
    return kept, gone


def indicator_ids_of(indicators: Iterable[PreparedIndicator]) -> dict[tuple[str, bytes], int]:
    """Ids by identity; missing rows are inserted. Another transaction's insert of the same value is waited for."""
    # Sorted: two batches that name the same values then wait for each other instead of dead-locking.
    wanted = sorted({item.identity: item for item in indicators}.values(), key=lambda item: item.identity)
    ids: dict[tuple[str, bytes], int] = _known_ids([item.identity for item in wanted])
    missing = [item for item in wanted if item.identity not in ids]
    if missing:
        Indicator.objects.bulk_create(
            (Indicator(signal_type=item.signal_type, value=item.value, key_id=item.key_id) for item in missing),
            ignore_conflicts=True,
        )
        ids.update(_known_ids([item.identity for item in missing]))
    return ids


def _known_ids(identities: Sequence[tuple[str, bytes]]) -> dict[tuple[str, bytes], int]:
    by_type: dict[str, list[bytes]] = {}
    for signal_type, value in identities:
        by_type.setdefault(signal_type, []).append(value)
    found: dict[tuple[str, bytes], int] = {}
    for signal_type, values in by_type.items():
        for start in range(0, len(values), _LOOK_UP_CHUNK):
            chunk = Q(signal_type=signal_type, value__in=values[start : start + _LOOK_UP_CHUNK])
            for pk, stored in Indicator.objects.filter(chunk).values_list("pk", "value"):
                found[signal_type, bytes(stored)] = pk
    return found
