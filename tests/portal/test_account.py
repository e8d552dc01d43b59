"""Signing in and out, and one's own account."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.attempts import MAX_FAILURES
from hub.audit.models import AuditEntry
from tests.factories import PASSWORD, make_user
from tests.portal.conftest import Scene

SIGN_IN = "/sign-in"


def attempt(client: Client, email: str, password: str, **more: Any) -> Any:
    return client.post(SIGN_IN, {"username": email, "password": password, **more})


def test_a_member_signs_in_with_the_address_in_any_case(scene: Scene) -> None:
    client = Client()
    answer = attempt(client, " Ana@ALPHA.example", PASSWORD)
    assert answer.headers["Location"] == reverse("portal:dashboard")
    assert "Ana Lopez" in client.get("/").content.decode()
    assert AuditEntry.objects.filter(action="session.opened", user_id=scene.ana.pk).count() == 1


def test_signing_in_leads_back_to_the_page_that_was_asked_for_and_never_elsewhere(scene: Scene) -> None:
    assert attempt(Client(), scene.ana.email, PASSWORD, next="/signals?harm=other").headers["Location"] == (
        "/signals?harm=other"
    )
    assert attempt(Client(), scene.ana.email, PASSWORD, next="https://evil.example/").headers["Location"] == "/"


@pytest.mark.parametrize("shown", ["http://[", "http://elsewhere.example/signals", "x"])
def test_a_part_of_a_page_leads_to_the_sign_in_whatever_the_browser_says_that_it_shows(shown: str, db: None) -> None:
    answer = Client().get("/signals", headers={"HX-Request": "true", "HX-Current-URL": shown})
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/"


def test_a_wrong_password_and_an_unknown_address_look_the_same(scene: Scene) -> None:
    wrong = attempt(Client(), scene.ana.email, "wrong").content.decode()
    unknown = attempt(Client(), "nobody@example.org", "wrong").content.decode()
    assert "This e-mail address and password don&#x27;t belong together." in wrong
    assert wrong.count("alert-danger") == unknown.count("alert-danger") == 1
    assert AuditEntry.objects.filter(action="session.opened").count() == 0


def test_one_locked_address_does_not_lock_out_the_colleague_at_the_next_desk(scene: Scene, settings: Any) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT):
        attempt(Client(), scene.ana.email, "wrong")
    colleague = make_user(scene.alpha)
    assert attempt(Client(), colleague.email, PASSWORD).status_code == 302


@pytest.mark.parametrize("change", [{"is_active": False}, {"organisation": "suspended"}])
def test_who_is_not_active_does_not_get_in(change: dict[str, Any], scene: Scene) -> None:
    if "organisation" in change:
        scene.alpha.status = "suspended"
        scene.alpha.save()
    else:
        scene.ana.is_active = False
        scene.ana.save()
    assert attempt(Client(), scene.ana.email, PASSWORD).status_code == 200


def test_too_many_attempts_lock_the_address_however_it_is_written(scene: Scene, settings: Any) -> None:
    client = Client()
    ways = ["ana@alpha.example", "ANA@alpha.example", " Ana@Alpha.Example "]
    answers = [attempt(client, ways[n % 3], "wrong") for n in range(settings.AXES_FAILURE_LIMIT)]
    assert answers[-1].status_code == 429
    page = attempt(client, "ana@alpha.example", PASSWORD)
    assert page.status_code == 429
    text = page.content.decode()
    assert "Signing in with the e-mail address that you typed is locked for 15 minutes" in text
    assert 'href="/sign-in">Go to the sign-in page' in text
    assert "dashboard" not in text, "who is signed out has none"
    assert "ana@" not in page.content.decode().lower()


def test_many_accounts_tried_from_one_network_close_sign_in_to_it_before_anything_is_hashed(scene: Scene) -> None:
    def from_there(email: str, password: str) -> Any:
        return attempt(Client(REMOTE_ADDR="203.0.113.7"), email, password)

    for number in range(MAX_FAILURES):
        assert from_there(f"person-{number}@example.org", "wrong").status_code == 200
    answer = from_there(scene.ana.email, PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    assert re.search(r"opens to it again in \d+ minutes?\.", answer.content.decode())
    assert attempt(Client(REMOTE_ADDR="203.0.113.8"), scene.ana.email, PASSWORD).status_code == 302


def test_a_shift_that_signs_in_from_one_network_does_not_close_it(scene: Scene) -> None:
    for _ in range(MAX_FAILURES + 1):
        assert attempt(Client(), scene.ana.email, PASSWORD).status_code == 302


def test_signing_out_takes_a_post(ana: Client) -> None:
    assert ana.get("/sign-out").status_code == 405
    assert ana.post("/sign-out").headers["Location"] == SIGN_IN
    assert ana.get("/").status_code == 302


def test_a_signed_in_person_needs_no_sign_in_page(ana: Client) -> None:
    assert ana.get(SIGN_IN).headers["Location"] == "/"


def test_name_and_time_zone_are_ones_own_to_change(ana: Client, scene: Scene) -> None:
    ana.post("/profile", {"name": " Ana L. ", "time_zone": "Asia/Kolkata"})
    scene.ana.refresh_from_db()
    assert (scene.ana.name, scene.ana.time_zone) == ("Ana L.", "Asia/Kolkata")
    page = ana.get("/profile").content.decode()
    assert "Times are in Asia/Kolkata." in page
    assert "ana@alpha.example" in page
    assert AuditEntry.objects.filter(action="user.profile_changed").count() == 1


def test_an_unknown_time_zone_is_refused_and_not_repeated(ana: Client, scene: Scene) -> None:
    page = ana.post("/profile", {"name": "Ana", "time_zone": "Mars/Olympus"}).content.decode()
    assert "Time zone: Choose one of the list." in page
    assert "Mars" not in page


def test_a_zone_that_the_list_leaves_out_stays_chosen(ana: Client, scene: Scene) -> None:
    scene.ana.time_zone = "Etc/GMT+3"
    scene.ana.save()
    assert ana.post("/profile", {"name": "Ana", "time_zone": "Etc/GMT+3"}).status_code == 302


def test_a_changed_password_ends_other_sessions(ana: Client, scene: Scene) -> None:
    other = Client()
    attempt(other, scene.ana.email, PASSWORD)
    new = "a wholly different staple 9"
    answer = ana.post(
        "/profile/password", {"old_password": PASSWORD, "new_password1": new, "new_password2": new}, follow=True
    )
    assert "Your password was changed." in answer.content.decode()
    assert other.get("/").status_code == 302
    assert attempt(Client(), scene.ana.email, new).status_code == 302
    assert AuditEntry.objects.filter(action="user.password_changed").count() == 1


def test_a_weak_password_is_refused_beside_its_field(ana: Client) -> None:
    answer = ana.post(
        "/profile/password", {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    )
    assert 'id="id_new_password2_error"' in answer.content.decode()


def test_wrong_old_passwords_count_as_failed_sign_ins_and_stand_in_the_audit(
    ana: Client, scene: Scene, settings: Any
) -> None:
    new = {"new_password1": "a quite new phrase", "new_password2": "a quite new phrase"}
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert ana.post("/profile/password", {"old_password": "wrong", **new}).status_code == 200
    assert ana.post("/profile/password", {"old_password": "wrong", **new}).status_code == 429
    refused = AuditEntry.objects.filter(action="user.password_refused", user_id=scene.ana.pk)
    assert refused.count() == settings.AXES_FAILURE_LIMIT
    # Not even the right one gets through now, and sign-in from here is closed to this account as well.
    assert ana.post("/profile/password", {"old_password": PASSWORD, **new}).status_code == 429
    assert attempt(Client(), scene.ana.email, PASSWORD).status_code == 429
    scene.ana.refresh_from_db()
    assert scene.ana.check_password(PASSWORD)
