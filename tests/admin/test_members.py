"""Organisations and people in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.test import Client
from django.urls import reverse

from accounts.actor import Actor
from accounts.models import Organisation, User
from hub.audit.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db

ORGANISATIONS = "/admin/accounts/organisation/"
USERS = "/admin/accounts/user/"
STRONG = "sturdy-lantern-42-boats"


def new_user(organisation: Organisation, /, **fields: Any) -> dict[str, Any]:
    first = {"password1": STRONG, "password2": STRONG}
    who = {"email": "New@Example.org", "name": "New", "organisation": organisation.pk, "role": "analyst"}
    return who | first | fields


def audited(action: str) -> AuditEntry:
    return AuditEntry.objects.get(action=action)


def test_an_organisation_is_added_and_its_changes_are_audited_by_name_of_field(admin: Client) -> None:
    page = admin.get(ORGANISATIONS + "add/").content.decode()
    assert "How the API names this organisation" in page
    admin.post(ORGANISATIONS + "add/", {"name": "Northern NGO", "slug": "north", "kind": "ngo", "country": "gb"})
    organisation = Organisation.objects.get(slug="north")
    assert (organisation.country, organisation.status) == ("GB", "active")
    assert audited("organisation.created").object_id == str(organisation.uuid)

    admin.post(
        f"{ORGANISATIONS}{organisation.pk}/change/",
        {"name": "Northern", "slug": "other", "kind": "ngo", "country": "GB", "status": "suspended"},
    )
    organisation.refresh_from_db()
    assert (organisation.name, organisation.slug, organisation.status) == ("Northern", "north", "active")
    assert audited("organisation.updated").detail == {"fields": ["name"]}

    admin.post(f"{ORGANISATIONS}{organisation.pk}/change/", {"name": "Northern", "kind": "ngo", "country": "GB"})
    assert AuditEntry.objects.filter(action="organisation.updated").count() == 1, "nothing changed: nothing to tell"


@pytest.mark.parametrize("country", ["GBR", "1A", "g"])
def test_a_country_has_two_letters(admin: Client, country: str) -> None:
    fields = {"name": "N", "slug": "n", "kind": "ngo", "country": country}
    response = admin.post(ORGANISATIONS + "add/", fields)
    assert response.status_code == 200
    assert not Organisation.objects.filter(slug="n").exists()


@pytest.mark.parametrize("door", ["page", "list"])
def test_suspending_asks_for_a_reason_and_cuts_access(admin: Client, door: str) -> None:
    organisation = factories.make_organisation("alpha")
    page, listing = f"{ORGANISATIONS}{organisation.pk}/suspend/", ORGANISATIONS
    address = page if door == "page" else listing
    data = {} if door == "page" else {"action": "suspend", "_selected_action": [organisation.pk]}

    asked = admin.post(address, data) if door == "list" else admin.get(address)
    assert "refused, each at its next request" in asked.content.decode()
    assert "Alpha" in asked.content.decode()
    without = admin.post(address, {**data, "confirm": "yes", "reason": " "})
    assert without.status_code == 200
    organisation.refresh_from_db()
    assert organisation.is_active

    done = admin.post(address, {**data, "confirm": "yes", "reason": "Keys were leaked."}, follow=True)
    assert "Suspended: Alpha." in done.content.decode()
    organisation.refresh_from_db()
    assert not organisation.is_active
    assert audited("organisation.suspended").reason == "Keys were leaked."

    back = f"{ORGANISATIONS}{organisation.pk}/reactivate/"
    admin.post(back, {"confirm": "yes", "reason": "New keys are in place."})
    organisation.refresh_from_db()
    assert organisation.is_active


def test_ones_own_organisation_can_be_neither_suspended_nor_demoted(admin: Client, operator: Actor) -> None:
    own = f"{ORGANISATIONS}{operator.organisation_id}/"
    refused = admin.post(own + "suspend/", {"confirm": "yes", "reason": "x"}, follow=True).content.decode()
    assert "suspend your own organisation" in refused
    locked = admin.post(own + "change/", {"name": "Operator", "kind": "ngo", "country": ""}).content.decode()
    assert "you would lock yourself out" in locked
    organisation = Organisation.objects.get(pk=operator.organisation_id)
    assert organisation.is_active and organisation.kind == "operator"


def test_a_step_that_no_longer_applies_says_so(admin: Client) -> None:
    organisation = factories.make_organisation("alpha", status="suspended")
    page = admin.get(f"{ORGANISATIONS}{organisation.pk}/suspend/", follow=True).content.decode()
    assert "That is done already" in page
    listing = {"action": "suspend", "_selected_action": [organisation.pk]}
    assert "done already" in admin.post(ORGANISATIONS, listing, follow=True).content.decode()
    assert admin.get(f"{ORGANISATIONS}999999/suspend/").status_code == 404


def test_an_object_is_found_by_the_uuid_that_the_audit_knows(admin: Client) -> None:
    organisation = factories.make_organisation("alpha")
    assert admin.get(reverse("admin:accounts_organisation_change", args=[organisation.uuid])).status_code == 200
    history = admin.get(f"{ORGANISATIONS}{organisation.pk}/history/")
    assert history.headers["location"] == f"/admin/audit/auditentry/?q={organisation.uuid}"


def test_a_person_is_added_with_a_hashed_password(admin: Client) -> None:
    organisation = factories.make_organisation()
    response = admin.post(USERS + "add/", new_user(organisation))
    assert response.status_code == 302, response.context["adminform"].form.errors
    user = User.objects.get(email="new@example.org")
    assert identify_hasher(user.password) and STRONG not in user.password
    assert user.check_password(STRONG)
    entry = audited("user.created")
    assert entry.object_id == str(user.pk)
    assert not (STRONG in str(entry.detail) or "password" in str(entry.detail))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password2": "another-lantern-77"}, "match"),
        ({"is_staff": "on"}, "Only people of a hub operator"),
        ({"email": "TAKEN@example.org"}, "already exists"),
        ({"organisation": ""}, "This field is required"),
    ],
)
def test_a_bad_new_person_is_refused_with_the_reason(admin: Client, fields: dict[str, str], message: str) -> None:
    factories.make_user(email="taken@example.org")
    response = admin.post(USERS + "add/", new_user(factories.make_organisation(), **fields))
    assert response.status_code == 200
    assert message in response.content.decode()
    assert not User.objects.filter(email="new@example.org").exists()


def test_a_person_is_changed_but_not_moved_or_promoted_past_the_services(admin: Client) -> None:
    user, other = factories.make_user(), factories.make_organisation()
    home = user.organisation_id
    admin.post(
        f"{USERS}{user.pk}/change/",
        {
            "email": user.email,
            "name": "Renamed",
            "role": "manager",
            "organisation": other.pk,
            "is_active": "",
            "is_superuser": "on",
            "password": "x",
        },
    )
    user.refresh_from_db()
    assert (user.name, user.role, user.organisation_id) == ("Renamed", "manager", home)
    assert user.is_active and not user.is_superuser and user.check_password(factories.PASSWORD)
    assert audited("user.updated").detail == {"fields": ["name", "role"]}


def test_a_person_is_deactivated_with_a_reason_and_let_in_again(admin: Client) -> None:
    user = factories.make_user()
    theirs = Client()
    theirs.force_login(user)
    admin.post(f"{USERS}{user.pk}/deactivate/", {"confirm": "yes", "reason": "Left the organisation."})
    user.refresh_from_db()
    assert not user.is_active
    assert audited("user.deactivated").reason == "Left the organisation."
    admin.post(f"{USERS}{user.pk}/activate/", {"confirm": "yes", "reason": "Came back."})
    user.refresh_from_db()
    assert user.is_active


def test_administrators_cant_cut_themselves_off(admin: Client, operator: Actor) -> None:
    own = f"{USERS}{operator.user_id}/"
    refused = admin.post(own + "deactivate/", {"confirm": "yes", "reason": "x"}, follow=True).content.decode()
    assert "deactivate your own account" in refused
    locked = admin.post(own + "change/", {"email": "me@example.org", "role": "owner"}).content.decode()
    assert "you would lock yourself out" in locked
    assert admin.get("/admin/").status_code == 200


def test_a_new_password_is_set_hashed_audited_and_ends_sessions(admin: Client) -> None:
    user = factories.make_user()
    theirs = Client()
    theirs.force_login(user)
    page = f"{USERS}{user.pk}/password/"
    weak = admin.post(page, {"new_password1": "12345", "new_password2": "12345"})
    assert weak.status_code == 200
    assert "too short" in weak.content.decode()
    assert "12345" not in weak.content.decode()
    admin.post(page, {"new_password1": STRONG, "new_password2": STRONG})
    user.refresh_from_db()
    assert user.check_password(STRONG)
    assert audited("user.password_set").object_id == str(user.pk)
    assert theirs.get("/admin/").status_code == 302, "their session is over"


def test_lists_say_in_words_what_is_missing(admin: Client) -> None:
    factories.make_user()
    factories.make_organisation()
    assert "not given" in admin.get(ORGANISATIONS).content.decode()
    users = admin.get(USERS).content.decode()
    assert "never" in users and "not given" in users
