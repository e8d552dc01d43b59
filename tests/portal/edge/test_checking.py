"""Checking in the browser; what the worker may do; and what is left without scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from playwright.sync_api import Page, expect

from accounts.models import Organisation
from hub import edge
from hub.audit.tallies import write_tallies
from sharing.signals.indicators import Indicator
from sharing.signals.models import Signal
from tests import factories
from tests.keys import give_keys
from tests.portal.chromium import Open, heading, sign_in, tab_to
from tests.portal.conftest import Scene
from tests.portal.edge.listening import AUDIENCE, PLAIN, Server, contained, database_text, fill, hub_token

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_check_by_keyboard_finds_what_is_visible_and_keeps_nothing(
    page: Page, server: Server, without_plain: Scene
) -> None:
    Organisation.objects.filter(slug="beta").update(plain_identifiers=True)
    known = factories.submit(
        without_plain.beta, without_plain.group, indicators=[("email", "ana.lopez+work@example.org")]
    )
    before = Indicator.objects.count(), Signal.objects.count()
    page.goto("/")
    tab_to(page, "a[href='/check']")
    page.keyboard.press("Enter")
    heading(page).to_have_text("Does the hub know this?")
    tab_to(page, "input[type=file]")
    tab_to(page, "select")
    page.keyboard.type("E-mail")
    tab_to(page, "textarea")
    page.keyboard.type("Ana.Lopez+Work@Example.ORG")
    tab_to(page, "button.btn-primary")
    page.keyboard.press("Enter")
    found = page.locator("#results")
    expect(page.locator("#results-heading")).to_be_focused()
    expect(found.get_by_text("Indicator 1: E-mail address")).to_be_visible()
    expect(found.get_by_role("link")).to_have_attribute("href", f"/signals/{known.uuid}")
    expect(found.get_by_text("Beta Video")).to_be_visible()
    expect(found.get_by_text("The same value.")).to_be_visible()
    fill(page, 1, ("email", "nobody@example.org", ""))
    page.get_by_role("button", name="Check").click()
    expect(found.get_by_text("Nothing that you can see.")).to_be_visible()

    assert (Indicator.objects.count(), Signal.objects.count()) == before
    assert contained(server.all_heard.decode(errors="replace"), [*PLAIN, "nobody@example"]) == []
    write_tallies()
    assert contained(database_text(), [*PLAIN, "nobody@example"]) == []


def test_a_check_asks_under_every_live_key_and_a_submission_under_the_active_one(
    without_plain: Scene, open_page: Open, server: Server, settings: LazySettings, tmp_path: Path
) -> None:
    give_keys(settings, tmp_path, "k1", k1={})
    Organisation.objects.filter(slug="beta").update(plain_identifiers=True)
    old = factories.submit(without_plain.beta, without_plain.group, indicators=[("email", "old@example.org")])
    give_keys(settings, tmp_path, "k2", k1={}, k2={})
    page = open_page()
    sign_in(page)
    page.goto("/check")
    fill(page, 1, ("email", "old@example.org", ""))
    page.get_by_role("button", name="Check").click()
    found = page.locator("#results")
    expect(found.get_by_role("heading", level=3)).to_have_count(2)
    expect(found.get_by_role("link")).to_have_attribute("href", f"/signals/{old.uuid}")
    # The older token goes with its identifier.
    fill(page, 1, ("email", "other@example.org", ""))
    page.get_by_role("button", name="Check").click()
    expect(found.get_by_text("Nothing that you can see.")).to_have_count(2)
    expect(found.get_by_role("link")).to_have_count(0)

    page.goto(AUDIENCE)
    fill(page, 1, ("email", "old@example.org", ""))
    page.get_by_label("Severity").select_option("low")
    page.get_by_role("button", name="Submit the signal").click()
    expect(page.get_by_text("The signal was stored.")).to_be_visible()
    (link,) = Signal.objects.get(organisation=without_plain.alpha).indicator_links.all()
    assert bytes(link.indicator.value) == hub_token("email", "old@example.org", "")


def test_the_worker_has_no_way_to_the_network(page: Page, server: Server) -> None:
    """It obeys the policy that comes with its file. Held against it: what the same request does from the page."""
    answer = page.request.get("/static/portal/edge/worker.js")
    assert answer.headers["content-security-policy"] == edge.POLICY
    with page.expect_worker() as started:
        page.goto("/check")
    probe = "fetch('/healthz?probe').then(() => 'went', () => 'refused')"
    assert started.value.evaluate(probe) == "refused"
    assert not any(b"?probe" in one for one in server.heard)
    assert page.evaluate(probe) == "went"


def test_without_scripts_identifiers_are_not_offered_and_hashes_can_be_checked(
    without_plain: Scene, open_page: Open
) -> None:
    value = "9e107d9d372bb6826bd81d3542a419d6"
    factories.submit(without_plain.beta, without_plain.group, indicators=[("md5", value)])
    page = open_page(java_script_enabled=False)
    sign_in(page)
    page.goto("/check")
    assert page.locator("option[value=email]").count() == 0
    expect(page.get_by_label("Files")).to_be_hidden()
    row = page.get_by_role("group", name="Indicator 1", exact=True)
    row.get_by_label("Type").select_option("md5")
    row.get_by_label("Value").fill(value)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Beta Video")).to_be_visible()


def test_a_page_without_room_for_the_older_token_asks_nothing(
    without_plain: Scene, open_page: Open, server: Server, settings: LazySettings, tmp_path: Path
) -> None:
    """Else it would say that the hub knows nothing, though it does under the older key."""
    give_keys(settings, tmp_path, "k2", k1={}, k2={})
    page = open_page()
    sign_in(page)
    page.goto("/check")
    page.evaluate(
        """() => {
            const add = document.querySelector("[data-add-row]");
            for (let number = 0; number < 130; number++) add.click();
            [...document.querySelectorAll("[data-indicator-row]")].slice(1).forEach((row, number) => {
                const type = row.querySelector('[id$="-type"]');
                type.value = "md5";
                type.dispatchEvent(new Event("change", { bubbles: true }));
                row.querySelector('[id$="-value"]').value = (number + 1).toString(16).padStart(32, "0");
            });
        }"""
    )
    fill(page, 1, ("email", "old@example.org", ""))
    page.get_by_role("button", name="Check").click()
    expect(page.locator("[data-edge-problems]")).to_contain_text("no room for more indicators")
    expect(page.locator("#results-heading")).to_have_count(0)
