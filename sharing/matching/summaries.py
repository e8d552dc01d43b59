"""What each re-matching found for one organisation: a line instead of a flood (floor 4)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q

from accounts.actor import Actor
from sharing.matching.models import Match, Rematch, RematchQuerySet
from sharing.matching.selectors import MatchFilters, matches_count
from sharing.visibility.models import SharingGroup

SHOWN = 3


@dataclass(frozen=True, slots=True)
class SeenRematch:
    """A re-matching as a member may know it: not its reason, not what it found for others, groups it sees alone."""

    rematch: Rematch
    groups: list[str]


@dataclass(frozen=True, slots=True)
class Summary:
    """`waiting` matches have no verdict yet; selectors.COUNT_CAP + 1 stands for "more"."""

    seen: SeenRematch
    waiting: int


def summaries(actor: Actor) -> list[Summary]:
    """The newest SHOWN of those that found matches which wait for a verdict of the actor's organisation."""
    unreviewed = Match.objects.visible_to(actor).filter(rematch=OuterRef("pk"), verdict=Match.Verdict.UNREVIEWED)
    waiting = Rematch.objects.filter(Exists(unreviewed))
    # An organisation has nothing from what was done for another one: the database need not look.
    concerned = waiting.filter(Q(for_organisation=None) | Q(for_organisation=actor.organisation_id))
    found = []
    for seen in _seen(concerned.order_by("-pk"), actor, SHOWN):
        filters = MatchFilters(rematch=seen.rematch.uuid, verdict=Match.Verdict.UNREVIEWED)
        if count := matches_count(actor, filters):  # all may have been reviewed or hidden since
            found.append(Summary(seen, count))
    return found


def seen_rematch(actor: Actor, uuid: UUID) -> SeenRematch | None:
    """One that found something which the actor sees; None for any other."""
    return next(iter(_seen(Rematch.objects.visible_to(actor).filter(uuid=uuid), actor, 1)), None)


def _seen(rematches: RematchQuerySet, actor: Actor, size: int) -> list[SeenRematch]:
    known = Prefetch("groups", SharingGroup.objects.visible_to(actor).order_by("name"), to_attr="visible_groups")
    return [
        SeenRematch(rematch, [group.name for group in rematch.visible_groups])  # type: ignore[attr-defined]
        for rematch in rematches.prefetch_related(known)[:size]
    ]
