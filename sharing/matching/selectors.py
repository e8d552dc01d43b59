"""Reads on matches (floor 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Scope
from hub.audit.services import record
from hub.errors import NotFound
from sharing.matching.facts import strength_of
from sharing.matching.models import Match, MatchQuerySet, Rematch
from sharing.signals.models import Signal, is_live
from sharing.signals.selectors import with_details

COUNT_CAP = 1_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why one related signal counts: which indicators of the two lie how far apart, within which threshold."""

    type: str
    indicator: str
    related_indicator: str
    distance: int
    threshold: int

    @property
    def strength(self) -> float:
        return strength_of(self.distance, self.threshold)


@dataclass(frozen=True, slots=True)
class Related:
    signal: Signal
    evidence: list[Evidence] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MatchView:
    """A match as its recipient may see it now: related signals that are hidden from it are not among `related`."""

    match: Match
    related: list[Related]


@dataclass(frozen=True, slots=True)
class MatchFilters:
    """What a list is narrowed to; "" or None leaves a field open. `found` is "submission" or "rematch"."""

    verdict: str = ""
    harm: str = ""
    severity: str = ""
    found: str = ""
    rematch: UUID | None = None


def matches_page(actor: Actor, filters: MatchFilters, *, before: int | None = None, size: int = 50) -> list[MatchView]:
    """The newest matches of the actor's organisation; `before` is the id that the last page ended with."""
    actor.require(Scope.READ_MATCHES)
    matches = _filtered(actor, filters)
    if before is not None:
        matches = matches.filter(pk__lt=before)
    rows = list(matches.order_by("-pk")[:size])
    views = _views(actor, rows)
    # Something was hidden between the two looks. A shorter page would pass for the last one: look again.
    return views if len(views) == len(rows) else matches_page(actor, filters, before=before, size=size)


def matches_count(actor: Actor, filters: MatchFilters) -> int:
    """How many; COUNT_CAP + 1 stands for "more than COUNT_CAP"."""
    return _filtered(actor, filters).order_by()[: COUNT_CAP + 1].count()


def read_match(*, actor: Actor, uuid: UUID) -> MatchView:
    """One match with its evidence. Leaves a trace in the audit."""
    actor.require(Scope.READ_MATCHES)
    views = _views(actor, list(Match.objects.visible_to(actor).select_related("rematch").filter(uuid=uuid)))
    if not views:
        raise NotFound
    record(actor=actor, action="match.read", object_type="match", object_id=uuid)
    return views[0]


def matches_of_signal(actor: Actor, signal: Signal) -> list[Match]:
    """The actor's matches in which this signal is on either side, newest first, at most 50."""
    visible = Match.objects.visible_to(actor)
    about = visible.filter(signal=signal) | visible.filter(related__contains=[signal.pk])
    return [view.match for view in _views(actor, list(about.order_by("-pk")[:50]))]


def _filtered(actor: Actor, filters: MatchFilters) -> MatchQuerySet:
    matches = Match.objects.visible_to(actor).select_related("rematch")
    if filters.found:
        matches = matches.filter(rematch__isnull=filters.found == "submission")
    if filters.rematch is not None:
        # By its number, found first: a join would keep the index from being used.
        matches = matches.filter(rematch=Rematch.objects.filter(uuid=filters.rematch).values("pk")[:1])
    if filters.verdict:
        matches = matches.filter(verdict=filters.verdict)
    if filters.harm:
        matches = matches.filter(signal__harm=filters.harm)
    if filters.severity:
        matches = matches.filter(signal__severity=filters.severity)
    return matches


def _views(actor: Actor, matches: Sequence[Match]) -> list[MatchView]:
    """Those of the matches that can still be shown: a side may have been hidden since they were read."""
    ids = {match.signal_id for match in matches} | {pk for match in matches for pk in match.related}
    visible = Signal.objects.visible_to(actor).filter(is_live(), pk__in=ids)
    signals = {signal.pk: signal for signal in with_details(visible, actor)}
    shown = {
        link.indicator_id: link.indicator.text for signal in signals.values() for link in signal.indicator_links.all()
    }
    views = []
    for match in matches:
        related = {pk: Related(signals[pk]) for pk in match.related if pk in signals}
        for item in match.evidence:
            if item["signal"] in related:
                related[item["signal"]].evidence.append(
                    Evidence(
                        type=item["type"],
                        indicator=shown.get(item["indicator"], ""),
                        related_indicator=shown.get(item["related_indicator"], ""),
                        distance=item["distance"],
                        threshold=item["threshold"],
                    )
                )
        if match.signal_id not in signals or not related:
            continue
        match.signal = signals[match.signal_id]
        # The stored one is of the closest signal when it was told; that one may be hidden by now.
        match.strength = max(item.strength for found in related.values() for item in found.evidence)
        views.append(MatchView(match, list(related.values())))
    return views
