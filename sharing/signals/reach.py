"""Whom a planned signal would reach, and whose signals can reach an actor (floor 3)."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.actor import Actor
from accounts.models import Organisation, Scope
from hub.errors import Invalid
from sharing.signals.inputs import SignalInput
from sharing.signals.models import Signal, is_live
from sharing.signals.preparation import Preparation
from sharing.signals.selectors import Access
from sharing.visibility.models import GroupPermission, SharingGroupGrant
from sharing.visibility.selectors import members, viewable_group_ids


def planned_audience(
    actor: Actor,
    *,
    harm: str,
    tlp: str,
    sharing_groups: tuple[str, ...] = (),
    named_organisations: tuple[str, ...] = (),
) -> list[Access]:
    """Who besides the actor's own organisation would see a signal of this harm, TLP and audience, and why.

    The audience is judged by the same code as a submission's; Invalid with its problems when it would be refused.
    """
    actor.require(Scope.WRITE_SIGNALS)
    item = SignalInput(
        kind=Signal.Kind.CONTENT,
        harm=harm,
        severity=Signal.Severity.LOW,
        tlp=tlp,
        indicators=(),
        sharing_groups=sharing_groups,
        named_organisations=named_organisations,
    )
    prepared = Preparation(actor, [item]).prepare(item, keeps_indicators=True)
    if isinstance(prepared, list):
        raise Invalid(prepared)
    own = actor.organisation_id
    through_group = [
        Access(grant.group.organisation, grant.content_object.name, grant.reason)
        for grant in members(group.pk for group in prepared.groups).exclude(group__organisation=own)
    ]
    by_name = [Access(organisation, "", "") for organisation in prepared.named if organisation.pk != own]
    return sorted(through_group + by_name, key=lambda access: access.organisation.name)


def sources(actor: Actor) -> QuerySet[Organisation]:
    """Organisations whose signals can reach the actor: its own, those that share with a group that it may view (the
    members of a group know of one another), and those that name it in a live signal."""
    if actor.organisation is None or not actor.is_known:
        return Organisation.objects.none()
    contributors = SharingGroupGrant.objects.filter(
        content_object__in=viewable_group_ids(actor), permission__codename=GroupPermission.CONTRIBUTE
    )
    # Live ones only: a name that stayed would tell of a signal that is hidden.
    naming = Signal.objects.filter(is_live(), grants__group=actor.organisation.group_id)
    return Organisation.objects.filter(
        Q(pk=actor.organisation_id)
        | Q(group__in=contributors.values("group"))
        | Q(pk__in=naming.values("organisation"))
    ).order_by("name")
