"""Reads on matches (floor 4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, Func, IntegerField, OuterRef

from accounts.actor import Actor
from accounts.models import Scope
from hub.audit.services import record
from hub.errors import NotFound
from sharing.matching.models import Match, MatchQuerySet, Rematch
from sharing.matching.shares import VideoEvidence
from sharing.matching.strength import MOST_HOLDERS, Term, combined
from sharing.signals.indicators import Indicator
from sharing.signals.models import Signal, SignalIndicator, is_live
from sharing.signals.selectors import with_details

COUNT_CAP = 1_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why one related signal counts: which indicators of the two lie how far apart, within which threshold.

    `holders` are the signals that hold it and that the reader sees, at this moment; None between two content signals,
    where rarity does not count.
    """

    type: str
    indicator: str
    related_indicator: str
    distance: int
    threshold: int
    holders: int | None = None
    # False where a stronger one of the same family counts instead.
    counts: bool = True
    video: VideoEvidence | None = None

    @property
    def term(self) -> Term:
        return Term(self.type, self.distance, self.threshold, self.holders)


@dataclass(frozen=True, slots=True)
class Related:
    signal: Signal
    evidence: list[Evidence] = field(default_factory=list)

    @property
    def strength(self) -> float:
        return combined(item.term for item in self.evidence)

    @property
    def is_weighed(self) -> bool:
        """One side is an account, so that weight and rarity count."""
        return any(item.holders is not None for item in self.evidence)


@dataclass(frozen=True, slots=True)
class MatchView:
    """A match as its recipient may see it now: related signals that are hidden from it are not among `related`."""

    match: Match
    related: list[Related]

    @property
    def is_weighed(self) -> bool:
        """Whether the strength, which is that of the first related signal, says how much two accounts share."""
        return self.related[0].is_weighed


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


def matches_of_signal(actor: Actor, signal: Signal) -> list[MatchView]:
    """The actor's matches in which this signal is on either side, newest first, at most 50."""
    visible = Match.objects.visible_to(actor)
    about = visible.filter(signal=signal) | visible.filter(related__contains=[signal.pk])
    return _views(actor, list(about.order_by("-pk")[:50]))


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
    """Those of the matches that can still be shown: a side may have been hidden since they were read.

    Strength is worked out from what is shown and counted now: the stored one is of when it was told.
    """
    ids = {match.signal_id for match in matches} | {pk for match in matches for pk in match.related}
    visible = Signal.objects.visible_to(actor).filter(is_live(), pk__in=ids)
    signals = {signal.pk: signal for signal in with_details(visible, actor)}
    shown = [
        (match, pk, [item for item in match.evidence if item["signal"] == pk])
        for match in matches
        if match.signal_id in signals
        for pk in match.related
        if pk in signals
    ]
    weighed = {(match.pk, pk) for match, pk, _items in shown if _is_weighed(signals[match.signal_id], signals[pk])}
    held = visible_holders(
        actor,
        {
            item[name]
            for match, pk, items in shown
            if (match.pk, pk) in weighed
            for item in items
            for name in ("indicator", "related_indicator")
        },
    )
    texts = {
        link.indicator_id: link.indicator.text for signal in signals.values() for link in signal.indicator_links.all()
    }
    related: dict[int, list[Related]] = defaultdict(list)
    for match, pk, items in shown:
        counts = held if (match.pk, pk) in weighed else None
        evidence = _strongest_first(_evidence(item, texts, counts) for item in items)
        related[match.pk].append(Related(signals[pk], evidence))
    views = []
    for match in matches:
        if match.pk in related:
            found = sorted(related[match.pk], key=lambda one: -one.strength)
            match.signal, match.strength = signals[match.signal_id], found[0].strength
            views.append(MatchView(match, found))
    return views


def _is_weighed(*signals: Signal) -> bool:
    return any(signal.kind == Signal.Kind.ACCOUNT for signal in signals)


def _evidence(item: dict[str, Any], texts: dict[int, str], held: dict[int, int] | None) -> Evidence:
    pair = {item["indicator"], item["related_indicator"]}
    return Evidence(
        type=item["type"],
        indicator=texts.get(item["indicator"], ""),
        related_indicator=texts.get(item["related_indicator"], ""),
        distance=item["distance"],
        threshold=item["threshold"],
        holders=None if held is None else sum(held.get(indicator_id, 0) for indicator_id in pair),
        video=VideoEvidence(**item["video"]) if "video" in item else None,
    )


def _strongest_first(evidence: Iterable[Evidence]) -> list[Evidence]:
    ordered = sorted(evidence, key=lambda item: -item.term.value)
    families = [item.term.family for item in ordered]
    return [
        replace(item, counts=families.index(family) == at)
        for at, (item, family) in enumerate(zip(ordered, families, strict=True))
    ]


def visible_holders(actor: Actor, indicator_ids: Iterable[int]) -> dict[int, int]:
    """How many live signals that the actor sees hold each of these indicators; counting stops at MOST_HOLDERS."""
    ids = set(indicator_ids)
    if not ids:
        return {}
    visible = Signal.objects.visible_to(actor).filter(is_live(), pk=OuterRef("signal"))
    holders = SignalIndicator.objects.filter(Exists(visible), indicator=OuterRef("pk")).values("signal")
    counted = Func(ArraySubquery(holders[:MOST_HOLDERS]), function="cardinality", output_field=IntegerField())
    return dict(Indicator.objects.filter(pk__in=ids).annotate(held=counted).values_list("pk", "held"))
