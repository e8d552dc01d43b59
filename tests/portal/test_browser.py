"""The portal in a real Chromium: with a mouse, by keyboard alone, without scripts, wide and narrow."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.actor import actor_of_user
from hub.outbox.models import OutboxEvent
from hub.outbox.services import handle
from sharing.matching.models import Match
from sharing.matching.services import match_changed
from sharing.notifications.models import CHOSEN, WebhookDelivery
from sharing.notifications.services import create_webhook
from sharing.signals.models import Signal
from tests import factories
from tests.portal.chromium import Open, heading, sign_in, tab_to
from tests.portal.conftest import Scene, make_scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PDQ = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22"
NEAR = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b25"
SIZES = [(1280, 900), (390, 844)]


def work_off() -> None:
    """What the worker does."""
    handle(
        OutboxEvent.objects.filter(topic="signals.changed", done_at=None).values_list("pk", flat=True), match_changed
    )


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    scene = make_scene()
    factories.submit(scene.beta, scene.group, indicators=[("pdq", NEAR)], summary="Boat seen at night", match=True)
    return scene


@pytest.fixture
def match(scene: Scene) -> Match:
    factories.submit(scene.alpha, scene.group, indicators=[("pdq", PDQ)], summary="Ours", match=True)
    return Match.objects.get(recipient=scene.alpha)


def test_from_sign_in_to_a_match_and_out_again(scene: Scene, open_page: Open) -> None:
    page = open_page()
    sign_in(page)
    page.get_by_role("link", name="Submit a signal").first.click()
    page.get_by_label("Kind").select_option("content")
    page.get_by_label("Harm").select_option("people_smuggling")
    page.get_by_label("Trafficking watch").check()
    preview = page.locator("#preview")
    expect(preview).to_contain_text("National agency")
    page.get_by_label("Trafficking watch").uncheck()
    expect(preview).to_contain_text("Nobody would see this signal.")
    page.get_by_label("Trafficking watch").check()
    expect(preview).to_contain_text("Beta Video")
    page.get_by_role("button", name="Continue").click()

    heading(page).to_have_text("Submit a signal: what is known")
    first = page.get_by_role("group", name="Indicator 1")
    expect(first.get_by_label("Platform")).to_be_hidden()
    first.get_by_label("Type").select_option("username")
    expect(first.get_by_label("Platform")).to_be_visible()
    first.get_by_label("Value").fill("crossings_now")
    expect(page.get_by_role("group", name="Indicator 2")).to_have_count(0)
    page.get_by_role("button", name="Add an indicator").click()
    second = page.get_by_role("group", name="Indicator 2")
    expect(second.get_by_label("Type")).to_be_focused()
    second.get_by_label("Type").select_option("pdq")
    second.get_by_label("Value").fill(PDQ)
    page.get_by_label("Severity").select_option("critical")
    page.get_by_role("button", name="Submit the signal").click()

    # The user name needs its platform: the browser says so itself, for it makes the token.
    expect(first.get_by_text("A user name means nothing without its platform.")).to_be_visible()
    expect(first.get_by_label("Platform")).to_be_focused()
    expect(first.get_by_label("Value")).to_have_value("crossings_now")
    page.keyboard.type("exampletube")
    page.get_by_label("Summary").fill("Write to ana@example.org")
    page.get_by_role("button", name="Submit the signal").click()

    # What the hub refuses comes back: the hash, and the token.
    expect(page.locator("#error-summary")).to_be_focused()
    expect(first.get_by_label("Value")).to_have_value("")
    expect(first.get_by_text("A token of this identifier was made in your browser.")).to_be_visible()
    expect(second.get_by_label("Value")).to_have_value(PDQ)
    page.locator("#error-summary a").first.click()
    page.get_by_label("Summary").fill("Writes to many.")
    page.get_by_role("button", name="Submit the signal").click()

    expect(page.get_by_text("The signal was stored.")).to_be_visible()
    expect(page.get_by_text("TLP:AMBER – your organisation")).to_be_visible()
    work_off()
    page.reload()
    page.get_by_role("link", name="Related to earlier signals").click()
    heading(page).to_have_text("Match: People smuggling")
    expect(page.get_by_text("3 of 256 bits differ; up to 31 count as a match.")).to_be_visible()
    page.locator("details.hex summary").first.click()
    expect(page.locator("#clue-1-1-a")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    heading(page).to_have_text("Sign in")
    page.go_back()
    heading(page).to_have_text("Sign in")


def test_filters_work_at_once_and_stay_in_the_address(scene: Scene, open_page: Open) -> None:
    factories.submit(scene.beta, scene.group, severity="low", summary="Passport offered")
    page = open_page()
    sign_in(page)
    page.goto("/signals")
    expect(page.get_by_role("status")).to_have_text("Signals: 2")
    page.get_by_label("Severity").select_option("low")
    expect(page.get_by_role("status")).to_have_text("Signals: 1")
    assert "severity=low" in page.url
    page.get_by_label("Words or a hash").fill("boat")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("status")).to_have_text("Signals: 1")
    expect(page.get_by_label("Words or a hash")).to_have_value("")
    page.get_by_role("link", name="Clear", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Signals: 2")


def test_a_verdict_by_keyboard_alone(match: Match, open_page: Open) -> None:
    page = open_page()
    sign_in(page)
    page.goto("/matches")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    tab_to(page, "a.row-name")
    page.keyboard.press("Enter")
    heading(page).to_have_text("Match: Human trafficking")
    tab_to(page, "input[name=verdict]")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    tab_to(page, "textarea[name=note]")
    page.keyboard.type("Another boat.")
    tab_to(page, "button")
    page.keyboard.press("Enter")
    told = page.locator("#verdict [role=status]")
    expect(told).to_have_text("The verdict was saved.")
    expect(told).to_be_focused()
    match.refresh_from_db()
    assert (match.verdict, match.note) == ("false_positive", "Another boat.")
    tab_to(page, "#verdict button")
    page.keyboard.press("Enter")
    expect(told).to_have_text("The verdict was taken back.")
    match.refresh_from_db()
    assert match.verdict == "unreviewed"


def test_everything_works_without_scripts(match: Match, scene: Scene, open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page)
    page.get_by_role("link", name="Signals", exact=True).click()
    page.get_by_label("From").select_option("beta")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status")).to_have_text("Signals: 1")
    page.locator("a.row-name").click()
    expect(page.get_by_text("Boat seen at night")).to_be_visible()
    expect(page.get_by_text(NEAR)).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_be_hidden()

    page.goto(f"/matches/{match.uuid}")
    page.get_by_label("True positive").check()
    page.get_by_role("button", name="Save the verdict").click()
    expect(page.get_by_text("The verdict was saved.")).to_be_visible()
    expect(page.get_by_text("By Ana Lopez,")).to_be_visible()

    page.goto("/signals/new")
    page.get_by_label("Kind").select_option("content")
    page.get_by_label("Harm").select_option("other")
    page.get_by_label("Trafficking watch").check()
    page.get_by_role("button", name="Check who will see this").click()
    expect(page.locator("#preview")).to_contain_text("National agency")
    page.get_by_role("button", name="Continue").click()
    row = page.get_by_role("group", name="Indicator 5")
    row.get_by_label("Type").select_option("email")
    row.get_by_label("Value").fill("someone@example.org")
    page.get_by_label("Severity").select_option("low")
    page.get_by_role("button", name="Submit the signal").click()
    expect(page.get_by_text("The signal was stored.")).to_be_visible()
    assert Signal.objects.filter(organisation=scene.alpha, harm="other").count() == 1


def test_a_webhook_without_scripts_and_by_keyboard(scene: Scene, open_page: Open) -> None:
    factories.make_user(scene.alpha, role="manager", email="ida@alpha.example")
    page = open_page(java_script_enabled=False)

    def press(role: Any, name: str) -> None:
        page.get_by_role(role, name=name, exact=True).focus()
        page.keyboard.press("Enter")

    sign_in(page, "ida@alpha.example")
    press("link", "Webhooks")
    expect(page.get_by_text("No webhooks yet")).to_be_visible()
    press("link", "Add a webhook")
    page.get_by_label("Address").fill("https://hooks.example.org/hub")
    press("button", "Add it and show its secret")
    expect(page.get_by_role("alert")).to_contain_text("Tell it when: Choose at least one.")
    page.get_by_label("A match was found").focus()
    page.keyboard.press("Space")
    press("button", "Add it and show its secret")
    expect(page.locator("#secret")).to_contain_text("whsec_")
    press("link", "I have copied it")
    expect(page.get_by_text("Nothing was sent yet")).to_be_visible()
    press("button", "Send a test")
    expect(page.get_by_role("cell", name="Waiting")).to_be_visible()
    press("button", "Switch off")
    expect(page.get_by_role("cell", name="Failed The webhook was switched off")).to_be_visible()
    press("button", "Switch on")
    press("link", "Delete")
    page.get_by_label("I know that this can't be undone").focus()
    page.keyboard.press("Space")
    press("button", "Delete the webhook")
    expect(page.get_by_text("The webhook was deleted.")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_its_screen(width: int, height: int, scheme: str, match: Match, open_page: Open) -> None:
    own = Signal.objects.get(organisation=match.recipient)
    audience = "kind=account&harm=other&tlp=AMBER&sharing_groups=watch"
    ida = factories.make_user(match.recipient, role="manager", email="ida@alpha.example")
    hook = create_webhook(
        actor=actor_of_user(ida), url=f"https://{'long' * 9}.example.org/{'x' * 200}", events=CHOSEN
    ).endpoint
    WebhookDelivery.objects.create(endpoint=hook, event="match.updated", object_id=1, source_id=1, last_error="status")
    page = open_page(width, height, color_scheme=scheme)
    sign_in(page, ida.email)
    for address in (
        "/",
        "/webhooks",
        "/webhooks/new",
        f"/webhooks/{hook.uuid}",
        f"/webhooks/{hook.uuid}/secret",
        f"/webhooks/{hook.uuid}/delete",
        "/signals",
        f"/signals/{own.uuid}",
        f"/signals/{own.uuid}/change",
        f"/signals/{own.uuid}/retract",
        f"/signals/new?{audience}",
        f"/signals/new/details?{audience}",
        "/check",
        "/matches",
        f"/matches/{match.uuid}",
        "/profile",
        "/profile/password",
    ):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme


def test_an_ended_session_leads_to_sign_in_from_a_part_of_a_page(scene: Scene, open_page: Open) -> None:
    page = open_page()
    sign_in(page)
    page.goto("/signals")
    page.context.clear_cookies()
    page.get_by_label("Severity").select_option("low")
    heading(page).to_have_text("Sign in")


def test_copying_a_hash(scene: Scene, open_page: Open, live_server: Any) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    sign_in(page)
    signal = Signal.objects.get()
    page.goto(f"/signals/{signal.uuid}")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == NEAR
