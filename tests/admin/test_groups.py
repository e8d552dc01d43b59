"""Sharing groups and their members in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Organisation
from hub.audit.models import AuditEntry
from sharing.visibility.models import SharingGroup
from tests import factories

pytestmark = pytest.mark.django_db

GROUPS = "/admin/sharing/sharinggroup/"


def fields(group: SharingGroup | None = None, *grants: tuple[Organisation, str, str], **more: Any) -> dict[str, Any]:
    """What the group's page posts, with these new grants."""
    form = {"name": "Watch", "slug": "watch", "purpose": "To watch.", "max_tlp": "AMBER", "retention_days": 90}
    form |= {"video_query_share": 80, "video_stored_share": 80}
    if group is not None:
        form |= {"name": group.name, "purpose": group.purpose}
    form |= {"grants-TOTAL_FORMS": len(grants) + 1, "grants-INITIAL_FORMS": 0}
    empty = {"level": "view_sharinggroup"}
    rows = [{"organisation": who.pk, "level": f"{level}_sharinggroup", "reason": why} for who, level, why in grants]
    for number, row in enumerate([*rows, empty]):
        form |= {f"grants-{number}-{name}": value for name, value in row.items()}
    return form | more


def held(group: SharingGroup, organisation: Organisation) -> set[str]:
    codenames = group.grants.filter(group=organisation.group).values_list("permission__codename", flat=True)
    return {codename.removesuffix("_sharinggroup") for codename in codenames}


def test_a_group_is_added_with_its_first_members(admin: Client) -> None:
    alpha, beta = factories.make_organisation("alpha"), factories.make_organisation("beta")
    form = fields(None, (alpha, "contribute", "Agreement of May."), (beta, "view", "Observer."), harms=["other"])
    response = admin.post(GROUPS + "add/", form)
    assert response.status_code == 302, response.content.decode()
    group = SharingGroup.objects.get(slug="watch")
    assert (group.harms, group.retention_days) == (["other"], 90)
    assert held(group, alpha) == {"view", "contribute"}, "who may share may also see"
    assert held(group, beta) == {"view"}
    assert {grant.reason for grant in group.grants.filter(group=alpha.group)} == {"Agreement of May."}
    granted = AuditEntry.objects.filter(action="group.granted", object_id=str(group.uuid))
    assert {(entry.reason, entry.detail["organisation"]) for entry in granted} == {
        ("Agreement of May.", "alpha"),
        ("Observer.", "beta"),
    }
    assert AuditEntry.objects.filter(action="sharing_group.created").count() == 1


def test_a_grant_needs_a_reason(admin: Client) -> None:
    group, alpha = factories.make_group("watch"), factories.make_organisation("alpha")
    response = admin.post(f"{GROUPS}{group.pk}/change/", fields(group, (alpha, "view", " ")))
    assert response.status_code == 200
    assert "This field is required" in response.content.decode()
    assert not group.grants.exists()


def test_a_grant_that_exists_is_not_given_again(admin: Client) -> None:
    group, alpha = factories.make_group("watch"), factories.make_organisation("alpha")
    factories.give(alpha, group, "view")
    again = admin.post(f"{GROUPS}{group.pk}/change/", fields(group, (alpha, "view", "Another reason.")))
    assert "It may do this already" in again.content.decode()
    twice = (alpha, "contribute", "Once.")
    assert (
        "It may do this already"
        in admin.post(f"{GROUPS}{group.pk}/change/", fields(group, twice, twice)).content.decode()
    )
    assert held(group, alpha) == {"view"}
    admin.post(f"{GROUPS}{group.pk}/change/", fields(group, (alpha, "manage", "They run it.")))
    assert held(group, alpha) == {"view", "contribute", "manage"}


def test_members_and_reasons_are_shown_and_old_grants_cant_be_edited(admin: Client) -> None:
    group, alpha = factories.make_group("watch"), factories.make_organisation("alpha")
    factories.give(alpha, group, "contribute")
    grant = group.grants.order_by("pk").first()
    assert grant is not None
    page = admin.get(f"{GROUPS}{group.pk}/change/").content.decode()
    assert page.count("They signed the agreement.") == 2
    assert "may see and share signals" in page
    forged = fields(group) | {
        "grants-INITIAL_FORMS": 1,
        "grants-0-id": grant.pk,
        "grants-0-organisation": factories.make_organisation().pk,
        "grants-0-level": "manage_sharinggroup",
        "grants-0-reason": "Forged.",
        "grants-0-DELETE": "on",
    }
    admin.post(f"{GROUPS}{group.pk}/change/", forged)
    assert {old.reason for old in group.grants.all()} == {"They signed the agreement."}
    assert held(group, alpha) == {"view", "contribute"}


def test_taking_away_asks_for_a_reason_and_takes_what_includes_it(admin: Client) -> None:
    group, alpha = factories.make_group("watch"), factories.make_organisation("alpha")
    factories.give(alpha, group, "manage")
    grant = group.grants.get(permission__codename="contribute_sharinggroup")
    address = f"{GROUPS}{group.pk}/grants/{grant.pk}/revoke/"
    page = admin.get(address).content.decode()
    assert "Alpha may see and share signals" in page
    admin.post(address, {"confirm": "yes", "reason": ""})
    assert held(group, alpha) == {"view", "contribute", "manage"}
    done = admin.post(address, {"confirm": "yes", "reason": "The agreement ended."}, follow=True)
    assert "Taken away: Alpha may see and share signals." in done.content.decode()
    assert held(group, alpha) == {"view"}
    entry = AuditEntry.objects.get(action="group.revoked")
    assert (entry.reason, entry.detail["organisation"]) == ("The agreement ended.", "alpha")
    other = factories.make_group()
    left = group.grants.get()
    assert admin.get(f"{GROUPS}{other.pk}/grants/{left.pk}/revoke/").status_code == 404


def test_closing_cuts_everybody_and_opening_lets_them_in_again(admin: Client) -> None:
    group, alpha = factories.make_group("watch"), factories.make_organisation("alpha")
    factories.give(alpha, group)
    actor = factories.actor_for(alpha)
    admin.post(f"{GROUPS}{group.pk}/close/", {"confirm": "yes", "reason": "The operation is over."})
    assert not SharingGroup.objects.visible_to(actor).exists()
    assert AuditEntry.objects.get(action="group.closed").reason == "The operation is over."
    admin.post(f"{GROUPS}{group.pk}/open/", {"confirm": "yes", "reason": "It goes on."})
    assert SharingGroup.objects.visible_to(actor).exists()


def test_a_change_is_audited_by_name_of_field_and_leaves_slug_and_status(admin: Client) -> None:
    group = factories.make_group("watch")
    form = fields(group, slug="other", status="closed", purpose="A new purpose.", retention_days=365)
    assert admin.post(f"{GROUPS}{group.pk}/change/", form).status_code == 302
    group.refresh_from_db()
    assert (group.slug, group.status, group.purpose) == ("watch", "active", "A new purpose.")
    assert AuditEntry.objects.get(action="sharing_group.updated").detail == {"fields": ["purpose"]}


def test_a_thousand_members_still_fit_the_form(admin: Client) -> None:
    """Existing grants are no form rows: nothing of them is posted, so no limit of fields is met."""
    group = factories.make_group("watch")
    for number in range(20):
        factories.give(factories.make_organisation(f"member-{number}"), group, "view")
    page = admin.get(f"{GROUPS}{group.pk}/change/").content.decode()
    assert page.count("Take away") == 20
    assert 'name="grants-INITIAL_FORMS" value="0"' in page


def test_the_filter_by_member_finds_its_groups_and_nothing_for_nonsense(admin: Client) -> None:
    mine, _other = factories.make_group("mine", name="Mine"), factories.make_group("other", name="Elsewhere")
    alpha = factories.make_organisation("alpha")
    factories.give(alpha, mine)
    page = admin.get(f"{GROUPS}?member={alpha.pk}").content.decode()
    assert "Mine" in page and "Elsewhere" not in page
    for nonsense in ("x", "999999", "1 or 1=1"):
        page = admin.get(GROUPS, {"member": nonsense}).content.decode()
        assert "Mine" not in page
