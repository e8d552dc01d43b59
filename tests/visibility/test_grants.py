"""Grants on sharing groups: who gives them, what they bring, why they exist."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from guardian.shortcuts import assign_perm, get_objects_for_group  # noqa: TID251 - the peer that must agree

from hub.audit.models import AuditEntry
from hub.errors import Invalid, NotPermitted
from sharing.visibility.models import GroupPermission, SharingGroup, SharingGroupGrant
from sharing.visibility.services import grant_access, revoke_access
from tests import factories

pytestmark = pytest.mark.django_db


def codenames(organisation: object, group: SharingGroup) -> set[str]:
    grants = SharingGroupGrant.objects.filter(content_object=group, group__organisation=organisation)
    return set(grants.values_list("permission__codename", flat=True))


def test_a_permission_brings_those_that_it_includes_and_leaves_with_those_that_include_it() -> None:
    organisation, group = factories.make_organisation(), factories.make_group()
    factories.give(organisation, group, "manage")
    assert codenames(organisation, group) == set(GroupPermission.values)
    revoke_access(
        actor=factories.make_operator(),
        sharing_group=group,
        organisation=organisation,
        permission=GroupPermission.CONTRIBUTE,
        reason="Paused.",
    )
    assert codenames(organisation, group) == {GroupPermission.VIEW}


def test_guardians_own_question_gives_the_same_answer() -> None:
    organisation, group = factories.make_organisation(), factories.make_group()
    factories.make_group()
    factories.give(organisation, group, "view")
    found = get_objects_for_group(organisation.group, "view_sharinggroup", SharingGroup, accept_global_perms=False)
    assert list(found) == [group]


def test_each_grant_says_why_who_and_when() -> None:
    organisation, group = factories.make_organisation(), factories.make_group()
    operator = factories.make_operator()
    factories.give(organisation, group, "view")
    grant = SharingGroupGrant.objects.get(content_object=group)
    assert (grant.reason, grant.granted_by) == ("They signed the agreement.", operator.user)
    assert grant.granted_at is not None
    entry = AuditEntry.objects.get(action="group.granted")
    assert (entry.object_id, entry.reason) == (str(group.uuid), "They signed the agreement.")


def test_a_grant_without_a_reason_is_refused_by_the_service_and_by_the_database() -> None:
    organisation, group = factories.make_organisation(), factories.make_group()
    with pytest.raises(Invalid):
        grant_access(
            actor=factories.make_operator(),
            sharing_group=group,
            organisation=organisation,
            permission=GroupPermission.VIEW,
            reason="  ",
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        assign_perm("view_sharinggroup", organisation.group, group)


def test_managers_of_the_group_may_grant_and_contributors_may_not() -> None:
    group = factories.make_group()
    manager, contributor, newcomer = (factories.make_organisation(slug) for slug in ("m", "c", "n"))
    factories.give(manager, group, "manage")
    factories.give(contributor, group, "contribute")
    request = {
        "sharing_group": group,
        "organisation": newcomer,
        "permission": GroupPermission.VIEW,
        "reason": "Joined.",
    }
    with pytest.raises(NotPermitted):
        grant_access(actor=factories.actor_for(contributor), **request)
    grant_access(actor=factories.actor_for(manager), **request)
    assert codenames(newcomer, group) == {GroupPermission.VIEW}
