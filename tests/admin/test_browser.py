"""The admin in a real browser: every page draws under the strict content security policy, without a complaint."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from accounts.models import ApiClient, Organisation
from sharing.visibility.models import SharingGroup
from tests import factories

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not CHROMIUM.exists() and os.environ.get("HUB_REQUIRE_BROWSER") != "1", reason="there is no /usr/bin/chromium"
    ),
]


@pytest.fixture(autouse=True)
def _database_from_the_browsers_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright runs an event loop in this thread, which Django would take for asynchronous code."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture
def context() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser.new_context(viewport={"width": 1280, "height": 900})
        browser.close()
        # Inside the loop Django gave this thread a connection of its own.
        connections.close_all()


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(context: BrowserContext, live_server: Any, complaints: list[str]) -> Page:
    """A page signed in as an administrator; whatever the console warns of is kept."""
    operator = factories.make_operator()
    client = Client()
    assert operator.user is not None
    client.force_login(operator.user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def scene() -> dict[str, Any]:
    alpha, beta = factories.make_organisation("alpha"), factories.make_organisation("beta")
    group = factories.make_group("watch")
    factories.give(alpha, group)
    api_client, _key = factories.make_client(alpha, name="Moderation")
    signal = factories.submit(alpha, group, named_organisations=("beta",))
    return {"alpha": alpha, "beta": beta, "group": group, "client": api_client, "signal": signal}


def test_every_page_draws_without_a_complaint(page: Page, live_server: Any, complaints: list[str]) -> None:
    made = scene()
    alpha, group, api_client, signal = (made[name] for name in ("alpha", "group", "client", "signal"))
    person = factories.make_user(alpha)
    grant, key = group.grants.first(), api_client.keys.first()
    for address in (
        "",
        "accounts/",
        "accounts/organisation/",
        "accounts/organisation/?q=a",
        "accounts/organisation/add/",
        f"accounts/organisation/{alpha.pk}/change/",
        f"accounts/organisation/{alpha.pk}/suspend/",
        "accounts/user/",
        "accounts/user/add/",
        f"accounts/user/{person.pk}/change/",
        f"accounts/user/{person.pk}/password/",
        "accounts/apiclient/",
        "accounts/apiclient/add/",
        f"accounts/apiclient/{api_client.pk}/change/",
        f"accounts/apiclient/{api_client.pk}/issue/",
        f"accounts/apiclient/{api_client.pk}/revoke/",
        f"accounts/apiclient/{api_client.pk}/keys/{key.pk}/revoke/",
        "sharing/sharinggroup/",
        "sharing/sharinggroup/add/",
        f"sharing/sharinggroup/{group.pk}/change/",
        f"sharing/sharinggroup/{group.pk}/close/",
        f"sharing/sharinggroup/{group.pk}/grants/{grant.pk}/revoke/",
        "sharing/signal/",
        f"sharing/signal/{signal.pk}/change/",
        "audit/auditentry/",
        "audit/auditentry/?action=group.granted",
        f"audit/auditentry/?q={signal.uuid}",
        f"accounts/organisation/{alpha.pk}/history/",
        "outbox/outboxevent/",
    ):
        response = page.goto(f"{live_server.url}/admin/{address}", wait_until="networkidle")
        assert response is not None and response.ok, address
        expect(page.locator("h1").first).to_be_visible()
        assert complaints == [], address
        shots = os.environ.get("HUB_SCREENSHOTS")
        if shots:
            name = re.sub(r"\W+", "-", address) or "index"
            page.screenshot(path=f"{shots}/{name}.png", full_page=True)


def test_an_organisation_is_let_into_a_group_by_hand(page: Page, live_server: Any, complaints: list[str]) -> None:
    group: SharingGroup = scene()["group"]
    page.goto(f"{live_server.url}/admin/sharing/sharinggroup/{group.pk}/change/")
    page.locator("#grants-0 .select2-selection").click()
    page.locator(".select2-search__field").fill("bet")
    page.locator(".select2-results__option", has_text="Beta").click()
    page.locator("#id_grants-0-level").select_option("contribute_sharinggroup")
    page.locator("#id_grants-0-reason").fill("Joined in June.")
    page.get_by_role("button", name="Add another Grant").click()
    page.locator("#grants-1 .select2-selection").click()
    page.locator(".select2-results__option", has_text="Operator").click()
    page.locator("#id_grants-1-reason").fill("Watches.")
    page.get_by_role("button", name="Save and continue editing").click()
    members = page.get_by_role("group", name="Members and what they may do")
    expect(members.get_by_role("row", name="Beta")).to_have_count(2)
    expect(members).to_contain_text("Joined in June.")
    expect(members).to_contain_text("Watches.")
    assert complaints == []
    beta = Organisation.objects.get(slug="beta")
    assert group.grants.filter(group=beta.group).count() == 2


def test_a_client_is_made_and_its_key_issued_by_hand(page: Page, live_server: Any, complaints: list[str]) -> None:
    scene()
    page.goto(f"{live_server.url}/admin/accounts/apiclient/add/")
    page.locator(".field-organisation .select2-selection").click()
    page.locator(".select2-search__field").fill("alph")
    page.locator(".select2-results__option", has_text="Alpha").click()
    page.get_by_label("Name").fill("Sync")
    page.get_by_label("Read signals").check()
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("link", name="Issue a key").click()
    page.get_by_role("button", name="Issue the key").click()
    shown = page.locator("#new-key").inner_text()
    assert re.fullmatch(r"hub_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", shown)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == shown
    page.get_by_role("link", name="I have stored it").click()
    expect(page.get_by_text(shown)).to_have_count(0)
    assert ApiClient.objects.get(name="Sync").keys.count() == 1
    assert complaints == []


def test_several_are_suspended_from_the_list_by_hand(page: Page, live_server: Any, complaints: list[str]) -> None:
    scene()
    page.goto(f"{live_server.url}/admin/accounts/organisation/")
    for name in ("Alpha", "Beta"):
        page.get_by_role("row", name=name).get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option("suspend")
    page.get_by_role("button", name="Go").click()
    page.get_by_label("Reason").fill("A drill.")
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_text("Suspended: Alpha, Beta.")).to_be_visible()
    assert Organisation.objects.filter(status="suspended").count() == 2
    assert complaints == []


def test_no_page_is_wider_than_a_phone(page: Page, live_server: Any) -> None:
    made = scene()
    group, api_client = made["group"], made["client"]
    grant = group.grants.first()
    page.set_viewport_size({"width": 390, "height": 844})
    for address in (
        "",
        "accounts/organisation/add/",
        f"accounts/organisation/{made['alpha'].pk}/change/",
        f"accounts/apiclient/{api_client.pk}/change/",
        f"accounts/apiclient/{api_client.pk}/issue/",
        f"sharing/sharinggroup/{group.pk}/change/",
        f"sharing/sharinggroup/{group.pk}/grants/{grant.pk}/revoke/",
        f"sharing/signal/{made['signal'].pk}/change/",
    ):
        page.goto(f"{live_server.url}/admin/{address}", wait_until="networkidle")
        shots = os.environ.get("HUB_SCREENSHOTS")
        if shots:
            page.screenshot(path=f"{shots}/phone-{re.sub(r'[^a-z]+', '-', address) or 'index'}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
