"""Identifiers become tokens in the browser: right ones, and nothing else on the wire or in the database."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from hub.keys import token_keys
from sharing import oprf
from sharing.signals.indicators import Indicator
from sharing.signals.models import Signal
from tests.portal.chromium import Open, sign_in
from tests.portal.conftest import Scene
from tests.portal.edge.listening import AUDIENCE, KEYED, PLAIN, TYPED, Server, contained, database_text, fill, hub_token

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_identifiers_of_every_type_are_submitted_as_the_hubs_own_tokens_and_never_sent(
    page: Page, server: Server, without_plain: Scene
) -> None:
    page.goto(AUDIENCE)
    for number, row in enumerate(TYPED, start=1):
        fill(page, number, row)
    page.get_by_label("Severity").select_option("low")
    page.get_by_role("button", name="Submit the signal").click()
    expect(page.get_by_text("The signal was stored.")).to_be_visible()

    stored = {(link.signal_type, bytes(link.value)) for link in Indicator.objects.filter(signal_type__in=KEYED)}
    assert stored == {(row[0], hub_token(*row)) for row in TYPED}
    assert len(server.heard) > 10
    assert b"indicators-0-token=" in server.all_heard
    assert contained(server.all_heard.decode(errors="replace"), PLAIN) == []
    assert contained(database_text(), PLAIN) == []


def test_what_may_be_sent_in_plain_is_blinded_all_the_same(scene: Scene, open_page: Open, server: Server) -> None:
    page = open_page()
    sign_in(page)
    page.goto(AUDIENCE)
    fill(page, 1, TYPED[0])
    page.get_by_label("Severity").select_option("low")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Submit the signal").click()
    expect(page.get_by_text("The signal was stored.")).to_be_visible()
    assert bytes(Indicator.objects.get().value) == hub_token(*TYPED[0])
    assert contained(server.all_heard.decode(errors="replace"), PLAIN) == []


def test_a_token_outlives_an_error_of_the_page(page: Page, server: Server) -> None:
    page.goto(AUDIENCE)
    fill(page, 1, TYPED[0])
    page.get_by_label("Severity").select_option("low")
    page.get_by_label("Summary").fill("Call +44 20 7946 0999")
    page.get_by_role("button", name="Submit the signal").click()
    expect(page.locator("#error-summary")).to_be_focused()
    row = page.get_by_role("group", name="Indicator 1", exact=True)
    expect(row.get_by_text("A token of this identifier was made in your browser.")).to_be_visible()
    expect(row.get_by_label("Value")).to_have_value("")
    page.get_by_label("Summary").fill("Somebody calls.")
    page.get_by_role("button", name="Submit the signal").click()
    expect(page.get_by_text("The signal was stored.")).to_be_visible()
    assert bytes(Indicator.objects.get().value) == hub_token(*TYPED[0])


def test_a_forged_proof_makes_no_token_and_nothing_is_sent(page: Page, server: Server) -> None:
    other = oprf.SecretKey(bytes(range(32)), oprf.KEY_INFO)

    def forged(route: Route) -> None:
        """The hub evaluates under a key of its own for this person, and proves that."""
        sent = [part.removeprefix("element=") for part in (route.request.post_data or "").split("&")]
        elements, proof = other.evaluate([bytes.fromhex(part) for part in sent if len(part) == 64])
        answer = {"key_id": token_keys().active, "elements": [one.hex() for one in elements], "proof": proof.hex()}
        route.fulfill(json=answer)

    page.route("**/identifiers/evaluate", forged)
    page.goto(AUDIENCE)
    fill(page, 1, TYPED[0])
    page.get_by_label("Severity").select_option("low")
    page.get_by_role("button", name="Submit the signal").click()
    expect(page.get_by_text("The hub's proof is wrong")).to_be_visible()
    expect(page.get_by_role("group", name="Indicator 1").get_by_label("Value")).to_have_value(TYPED[0][1])
    assert not any(one.startswith(b"POST /signals/new") for one in server.heard)
    assert not Signal.objects.exists()
    # That it was for the proof: without the forger the same page goes through.
    page.unroute("**/identifiers/evaluate")
    page.get_by_role("button", name="Submit the signal").click()
    expect(page.get_by_text("The signal was stored.")).to_be_visible()


def test_an_ended_session_keeps_what_was_typed_in_the_browser(page: Page, server: Server) -> None:
    page.goto("/check")
    page.context.clear_cookies()
    fill(page, 1, TYPED[0])
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Your session has ended")).to_be_visible()
    expect(page.get_by_role("group", name="Indicator 1").get_by_label("Value")).to_have_value(TYPED[0][1])
    assert contained(server.all_heard.decode(errors="replace"), PLAIN) == []


def test_another_key_under_a_known_name_is_refused(page: Page, server: Server) -> None:
    page.goto("/check")
    page.evaluate("name => localStorage.setItem(`identifier-key:${name}`, '00'.repeat(32))", token_keys().active)
    fill(page, 1, TYPED[0])
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("The hub publishes another key than the one")).to_be_visible()
    assert not any(one.startswith((b"POST /check", b"POST /identifiers")) for one in server.heard)


def test_what_is_no_identifier_is_refused_in_the_hubs_words_before_anything_is_sent(page: Page, server: Server) -> None:
    page.goto("/check")
    fill(page, 1, ("email", "ana at example", ""))
    fill(page, 2, ("username", "ana", ""))
    fill(page, 3, ("md5", "wrong-type@example.org", ""))
    page.get_by_role("button", name="Add an indicator").click()
    page.get_by_role("group", name="Indicator 4").get_by_label("Value").fill("untyped@example.org")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("The value is not an e-mail address.")).to_be_visible()
    expect(page.get_by_text("A user name means nothing without its platform.")).to_be_visible()
    expect(page.get_by_text("This type has 32 hexadecimal digits.")).to_be_visible()
    expect(page.get_by_text("Choose what this value is.")).to_be_visible()
    assert not any(one.startswith(b"POST /check") or b"example.org" in one for one in server.heard)
