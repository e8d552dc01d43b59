"""Who gains sight of signals has its own ones checked against them, and nobody else is told by that."""

from __future__ import annotations

import pytest

from accounts.actor import Actor
from accounts.models import Organisation
from accounts.services import set_status
from hub.outbox.models import OutboxEvent
from sharing.matching.models import Match, Rematch
from sharing.matching.rematches import start_rematch
from sharing.matching.services import give_verdict
from sharing.visibility.models import GroupPermission, SharingGroup
from sharing.visibility.services import grant_access, revoke_access, set_group_status
from tests import factories
from tests.matching.working import work_off

pytestmark = pytest.mark.django_db
MD5 = "900150983cd24fb0d6963f7d28e17f72"


def newcomer(count: int, *others: Organisation, group: SharingGroup) -> Organisation:
    """Outside the group, with `count` signals of its own that relate to those of the others in it."""
    work_off()
    organisation, friend = factories.make_organisation("newcomer"), factories.make_organisation("friend")
    for number in range(count):
        for other in others:
            factories.submit(other, group, indicators=[("md5", f"{number:032x}")])
        factories.submit(organisation, named_organisations=(friend.slug,), indicators=[("md5", f"{number:032x}")])
    work_off()
    return organisation


def told_to(organisation: Organisation) -> int:
    return Match.objects.visible_to(factories.actor_for(organisation)).count()


def test_who_joins_a_group_has_its_own_signals_checked_and_nobody_else_is_told(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    joining = newcomer(2, alpha, beta, group=group)
    # Another one sees both sides of this, and has not been told: that is not what the newcomer's joining is for.
    factories.give(Organisation.objects.get(slug="friend"), group, "view")
    factories.submit(joining, named_organisations=("friend",), indicators=[("md5", f"{0:032x}")])
    OutboxEvent.objects.all().delete()
    before = set(Match.objects.values_list("pk", flat=True))
    assert told_to(joining) == 0
    factories.give(joining, group, "view")
    work_off()
    rematch = Rematch.objects.get()
    assert (rematch.cause, rematch.for_organisation, list(rematch.groups.all())) == ("sight", joining, [group])
    assert (rematch.state, rematch.total, rematch.found) == ("finished", 3, 3)
    new = Match.objects.exclude(pk__in=before)
    assert {match.recipient for match in new} == {joining}
    assert {match.signal.organisation for match in new} == {joining}
    assert {len(match.related) for match in new} == {2}
    assert told_to(joining) == 3


def test_who_only_looks_is_told_of_earlier_matches_by_a_rematching_of_all(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    for organisation in (alpha, beta):
        factories.submit(organisation, group, indicators=[("md5", MD5)])
    work_off()
    agency = factories.make_organisation("agency", "agency")
    factories.give(agency, group, "view")
    work_off()
    assert told_to(agency) == 0
    told_before = told_to(alpha), told_to(beta)
    start_rematch(actor=factories.make_operator(), reason="A new member.")
    work_off()
    assert told_to(agency) == 1
    assert (told_to(alpha), told_to(beta)) == told_before


def test_what_stays_hidden_is_neither_told_nor_counted(alpha: Organisation, group: SharingGroup) -> None:
    joining = newcomer(2, alpha, group=group)
    hidden = factories.make_group("hidden")
    factories.give(alpha, hidden)
    work_off()
    secret = factories.submit(alpha, hidden, indicators=[("md5", f"{0:032x}")])
    work_off()
    factories.give(joining, group, "view")
    work_off()
    assert Rematch.objects.get(for_organisation=joining).found == 2
    rows = Match.objects.filter(recipient=joining)
    assert {match.related_count for match in rows} == {1}
    assert all(secret.pk not in match.related for match in rows)


def test_leaving_and_joining_again_tells_nothing_twice(alpha: Organisation, group: SharingGroup) -> None:
    joining = newcomer(2, alpha, group=group)
    factories.give(joining, group, "view")
    work_off()
    match = Match.objects.filter(recipient=joining).latest("pk")
    give_verdict(actor=factories.actor_for(joining), uuid=match.uuid, verdict="false_positive")
    operator = factories.make_operator()
    revoke_access(
        actor=operator, sharing_group=group, organisation=joining, permission=GroupPermission.VIEW, reason="Left."
    )
    assert told_to(joining) == 0
    factories.give(joining, group, "view")
    work_off()
    assert told_to(joining) == Match.objects.filter(recipient=joining).count() == 2
    assert [again.found for again in Rematch.objects.order_by("pk")] == [2, 0]
    match.refresh_from_db()
    assert match.verdict == "false_positive"


def test_a_grant_that_adds_no_sight_starts_nothing(alpha: Organisation, group: SharingGroup) -> None:
    newcomer(1, alpha, group=group)
    joining = Organisation.objects.get(slug="newcomer")
    factories.give(joining, group, "view")
    work_off()
    factories.give(joining, group, "manage")
    work_off()
    assert Rematch.objects.count() == 1


def test_who_has_no_signals_has_nothing_to_check(alpha: Organisation) -> None:
    work_off()
    assert not Rematch.objects.exists()


def test_groups_that_are_joined_together_give_one_summary(alpha: Organisation, group: SharingGroup) -> None:
    joining = newcomer(1, alpha, group=group)
    other = factories.make_group("other")
    factories.give(joining, group, "view")
    factories.give(joining, other, "view")
    work_off()
    assert set(Rematch.objects.get().groups.all()) == {group, other}


def back(operator: Actor, organisation: Organisation, group: SharingGroup, way: str) -> None:
    """Take sight away and give it back."""
    if way == "organisation":
        for status in ("suspended", "active"):
            set_status(actor=operator, organisation=organisation, status=status, reason="Checked.")
            between(group)
    elif way == "group":
        for status in ("closed", "active"):
            set_group_status(actor=operator, sharing_group=group, status=status, reason="Checked.")
            between(group)
    else:
        revoke_access(
            actor=operator, sharing_group=group, organisation=organisation, permission=GroupPermission.VIEW, reason="."
        )
        between(group)
        grant_access(
            actor=operator, sharing_group=group, organisation=organisation, permission=GroupPermission.VIEW, reason="."
        )


def between(group: SharingGroup) -> None:
    """While the organisation sees nothing, what relates to its signals is matched."""
    work_off("signals.changed")


@pytest.mark.parametrize("way", ["organisation", "group", "grant"])
def test_each_way_of_gaining_sight_is_followed(alpha: Organisation, group: SharingGroup, way: str) -> None:
    joining = newcomer(0, alpha, group=group)
    factories.give(joining, group)
    work_off()
    own = factories.submit(joining, group, indicators=[("md5", MD5)])
    work_off()
    factories.submit(alpha, group, indicators=[("md5", MD5)])
    # Not matched yet: that happens while the organisation sees nothing.
    back(factories.make_operator(), joining, group, way)
    assert not Match.objects.filter(recipient=joining).exists()
    work_off()
    match = Match.objects.get(recipient=joining)
    assert (match.signal, match.rematch) == (own, Rematch.objects.get(for_organisation=joining))


def test_who_is_named_in_a_signal_is_told_with_its_submission(alpha: Organisation, group: SharingGroup) -> None:
    named = newcomer(1, group=group)
    factories.submit(alpha, named_organisations=(named.slug,), tlp="RED", indicators=[("md5", f"{0:032x}")])
    work_off()
    assert Match.objects.get(recipient=named).rematch is None
    assert not Rematch.objects.exists()
