"""How much of two videos is the same, and how much is enough for whom (floor 4).

Each sharing group has its own thresholds. A member is told of a pair when the shares reach those of a group through
which it sees the related signal; for what it sees by name, and its own, the default counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sharing.signals.models import Share, Signal, SignalGrant
from sharing.visibility.models import VIDEO_SHARE, SharingGroup
from sharing.visibility.selectors import members

_WHOLE: Final = 100


@dataclass(frozen=True, slots=True, order=True)
class Enough:
    """Percent of the frames of either video that must have a near frame in the other: of the newly matched one, and
    of the one that was stored."""

    query: int
    stored: int


DEFAULT: Final = Enough(VIDEO_SHARE, VIDEO_SHARE)


@dataclass(frozen=True, slots=True)
class Shares:
    """Frames of a video and how many of them have a near frame in a related video; and the other way round."""

    frames: int
    matched: int
    related_frames: int
    related_matched: int

    def reach(self, enough: Enough) -> bool:
        # In whole numbers: a share of exactly 80 % must not fail by a rounding.
        return (
            self.matched * _WHOLE >= enough.query * self.frames
            and self.related_matched * _WHOLE >= enough.stored * self.related_frames
        )

    @property
    def percent(self) -> int:
        return self.matched * _WHOLE // self.frames

    @property
    def related_percent(self) -> int:
        return self.related_matched * _WHOLE // self.related_frames


@dataclass(frozen=True, slots=True)
class VideoEvidence(Shares):
    """Shares, and the percentages that they reached for the one who is told. Stored with a match as it stands."""

    enough: int
    related_enough: int


def thresholds_in_use() -> tuple[Enough, ...]:
    """Each pair of thresholds that some active group has, and the default, ascending."""
    groups = SharingGroup.objects.filter(status=SharingGroup.Status.ACTIVE).order_by()
    pairs = groups.values_list("video_query_share", "video_stored_share").distinct()
    return tuple(sorted({DEFAULT, *(Enough(*pair) for pair in pairs)}))


@dataclass(frozen=True, slots=True)
class Reach:
    """What is enough for one recipient: of each related signal (row), which of the thresholds (column) count."""

    thresholds: tuple[Enough, ...]
    counts: NDArray[np.bool_]

    def tells(self, shares: Shares, places: NDArray[np.intp]) -> NDArray[np.bool_]:
        """At which of these places the recipient is told of a video with these shares."""
        reached = np.array([shares.reach(enough) for enough in self.thresholds], np.bool_)
        return np.asarray((self.counts[places] & reached).any(axis=1), np.bool_)

    def evidence(self, shares: Shares, place: int) -> VideoEvidence | None:
        """With the strictest thresholds that the shares reach there; None when they reach none that counts."""
        counting = zip(self.thresholds, self.counts[place], strict=True)
        reached = [enough for enough, counts in counting if counts and shares.reach(enough)]
        if not reached:
            return None
        return VideoEvidence(**asdict(shares), enough=reached[-1].query, related_enough=reached[-1].stored)


def reach_of(recipients: Iterable[int], related: Sequence[int]) -> dict[int, Reach]:
    """By recipient. `related` are signals in the order of the places; a recipient is taken to see what it is asked
    about, so that only the way by which it sees them is looked up here."""
    seen_by = _groups_of(related)
    thresholds = tuple(sorted({DEFAULT, *(enough for ways in seen_by.values() for _who, enough in ways)}))
    column = {enough: at for at, enough in enumerate(thresholds)}
    counts = {recipient: np.zeros((len(related), len(thresholds)), np.bool_) for recipient in recipients}
    for place, signal_id in enumerate(related):
        for organisation_id, enough in seen_by.get(signal_id, ()):
            if organisation_id in counts:
                counts[organisation_id][place, column[enough]] = True
    return {recipient: Reach(thresholds, found) for recipient, found in counts.items()}


def _groups_of(signal_ids: Sequence[int]) -> dict[int, set[tuple[int, Enough]]]:
    """By signal: the organisations that see it, each with the thresholds of the way by which it does."""
    ways: dict[int, set[tuple[int, Enough]]] = defaultdict(set)
    own: Any = Signal.objects.filter(pk__in=signal_ids).values_list("pk", "organisation")
    named = SignalGrant.objects.filter(content_object__in=signal_ids).values_list(
        "content_object", "group__organisation"
    )
    for signal_id, organisation_id in (*own, *named):
        ways[signal_id].add((organisation_id, DEFAULT))
    shares = list(Share.objects.filter(signal__in=signal_ids).values_list("signal", "sharing_group"))
    viewers: dict[int, set[tuple[int, Enough]]] = defaultdict(set)
    for grant in members({group_id for _, group_id in shares}).values_list(
        "content_object",
        "group__organisation",
        "content_object__video_query_share",
        "content_object__video_stored_share",
    ):
        viewers[grant[0]].add((grant[1], Enough(*grant[2:])))
    for signal_id, group_id in shares:
        ways[signal_id] |= viewers[group_id]
    return ways
