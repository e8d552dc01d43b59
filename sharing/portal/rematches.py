"""Matches that were found later, in words (floor 7)."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from accounts.actor import Actor
from sharing import signal_types
from sharing.matching.models import Rematch
from sharing.matching.selectors import COUNT_CAP
from sharing.matching.summaries import SeenRematch, summaries
from sharing.portal.paging import capped


@dataclass(frozen=True, slots=True)
class SummaryLine:
    rematch: Rematch
    found_when: str
    waiting: int
    waiting_text: str

    @property
    def goes_on(self) -> bool:
        return self.rematch.state == Rematch.State.RUNNING


def summary_lines(actor: Actor) -> list[SummaryLine]:
    return [
        SummaryLine(found.seen.rematch, found_when(found.seen), found.waiting, capped(found.waiting, COUNT_CAP))
        for found in summaries(actor)
    ]


def found_when(seen: SeenRematch) -> str:
    """Why signals were matched again, as a member may know it."""
    rematch = seen.rematch
    signals = gettext("all signals")
    if rematch.signal_type:
        signals = gettext("signals with %(type)s") % {"type": gettext(signal_types.get(rematch.signal_type).title)}
    match rematch.cause:
        case Rematch.Cause.SIGHT if seen.groups:
            return gettext("Found when you came to see the signals of %(groups)s.") % {"groups": ", ".join(seen.groups)}
        case Rematch.Cause.SIGHT:
            return gettext("Found when you came to see more signals.")
        case Rematch.Cause.THRESHOLD:
            return gettext("Found when a threshold changed and %(signals)s were matched again.") % {"signals": signals}
        case Rematch.Cause.IMPORT:
            return gettext("Found when older signals were imported.")
    return gettext("Found when %(signals)s were matched again.") % {"signals": signals}
