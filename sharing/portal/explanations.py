"""Evidence and strength in words (floor 7)."""

from __future__ import annotations

from dataclasses import dataclass

from django.template.defaultfilters import floatformat
from django.utils.translation import gettext, ngettext

from sharing import signal_types
from sharing.matching.selectors import Evidence, MatchView, Related
from sharing.matching.shares import VideoEvidence
from sharing.matching.strength import MOST_HOLDERS
from sharing.signals.models import Signal

VERY_CLOSE = 0.85
CLOSE = 0.7
VERY_STRONG = 0.85
STRONG = 0.6
MODERATE = 0.3


@dataclass(frozen=True, slots=True)
class Clue:
    """One row of the evidence table."""

    title: str
    words: str
    evidence: Evidence
    # How it adds to the strength; empty between two content signals, where the closest hash alone counts.
    weighed: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The match's signal beside one related signal."""

    signal: Signal
    clues: list[Clue]
    strength: float
    strength_words: str


def comparisons(view: MatchView) -> list[Comparison]:
    return [
        Comparison(
            related.signal,
            _clues(related),
            related.strength,
            strength_in_words(related.strength, is_weighed=related.is_weighed),
        )
        for related in view.related
    ]


def _clues(related: Related) -> list[Clue]:
    return [
        Clue(gettext(signal_types.get(evidence.type).title), in_words(evidence), evidence, in_numbers(evidence))
        for evidence in related.evidence
    ]


def in_numbers(evidence: Evidence) -> str:
    """The terms of one clue between accounts, as docs/matching.md has them."""
    if evidence.holders is None:
        return ""
    term = evidence.term
    numbers = {
        "value": floatformat(term.value, 2),
        "weight": floatformat(term.weight, 2),
        "closeness": floatformat(term.closeness, 2),
        "rarity": floatformat(term.rarity, 2),
        "holders": evidence.holders,
    }
    if not evidence.counts:
        return gettext("%(value)s, and not counted: a stronger clue of the same kind is.") % numbers
    product = gettext("%(value)s = weight %(weight)s × closeness %(closeness)s × rarity %(rarity)s.") % numbers
    if evidence.holders >= MOST_HOLDERS:
        held = gettext("At least %(holders)d signals that you can see hold it.")
    else:
        held = ngettext(
            "%(holders)d signal that you can see holds it.",
            "%(holders)d signals that you can see hold it.",
            evidence.holders,
        )
    return f"{product} {held % numbers}"


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


def words_of(view: MatchView) -> str:
    return strength_in_words(view.match.strength, is_weighed=view.is_weighed)


def strength_in_words(strength: float, *, is_weighed: bool = False) -> str:
    """How alike two pieces of content are or, weighed, how much it says that two accounts share something."""
    if is_weighed:
        if strength >= VERY_STRONG:
            return gettext("Very strong")
        if strength >= STRONG:
            return gettext("Strong")
        return gettext("Moderate") if strength >= MODERATE else gettext("Weak")
    if strength >= 1:
        return gettext("Identical")
    if strength >= VERY_CLOSE:
        return gettext("Very close")
    return gettext("Close") if strength >= CLOSE else gettext("Near the limit")
