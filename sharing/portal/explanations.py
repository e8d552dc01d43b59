"""Evidence and strength in words (floor 7)."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from sharing import signal_types
from sharing.matching.selectors import Evidence, MatchView, Related
from sharing.matching.shares import VideoEvidence
from sharing.signals.models import Signal

VERY_CLOSE = 0.85
CLOSE = 0.7


@dataclass(frozen=True, slots=True)
class Clue:
    """One row of the evidence table."""

    title: str
    words: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Comparison:
    """The match's signal beside one related signal."""

    signal: Signal
    clues: list[Clue]


def comparisons(view: MatchView) -> list[Comparison]:
    return [Comparison(related.signal, _clues(related)) for related in view.related]


def _clues(related: Related) -> list[Clue]:
    return [
        Clue(gettext(signal_types.get(evidence.type).title), in_words(evidence), evidence)
        for evidence in related.evidence
    ]


def in_words(evidence: Evidence) -> str:
    """Why this counts as a match, for somebody who does not know how hashes are compared."""
    signal_type = signal_types.get(evidence.type)
    if evidence.video is not None:
        return _of_videos(evidence.video, is_same=evidence.distance == 0)
    if signal_type.keyed:
        return gettext("The same token, so the same identifier.")
    if signal_type.near is None:
        return gettext("The same hash, so the same content.")
    if evidence.distance == 0:
        return gettext("All %(bits)d bits are the same.") % {"bits": signal_type.near.bits}
    numbers = {
        "distance": evidence.distance,
        "bits": signal_type.near.bits,
        "threshold": evidence.threshold,
    }
    return (
        ngettext(
            "%(distance)d of %(bits)d bits differs; up to %(threshold)d count as a match.",
            "%(distance)d of %(bits)d bits differ; up to %(threshold)d count as a match.",
            evidence.distance,
        )
        % numbers
    )


def _of_videos(video: VideoEvidence, *, is_same: bool) -> str:
    if is_same:
        return ngettext(
            "The same frame (%(frames)d), so the same video.",
            "The same %(frames)d frames, so the same video.",
            video.frames,
        ) % {"frames": video.frames}
    return gettext(
        "%(share)d %% of the frames of one video have a near frame in the other, and %(related)d %% the other way "
        "round; from %(enough)d %% and %(related_enough)d %% on it counts as a match."
    ) % {
        "share": video.percent,
        "related": video.related_percent,
        "enough": video.enough,
        "related_enough": video.related_enough,
    }


def strength_in_words(strength: float) -> str:
    if strength >= 1:
        return gettext("Identical")
    if strength >= VERY_CLOSE:
        return gettext("Very close")
    return gettext("Close") if strength >= CLOSE else gettext("Near the limit")
