"""One signal: what is shown to whom, changing and retracting it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from hub.audit.models import AuditEntry
from sharing.matching.models import Match
from sharing.signals.inputs import AccountInput, IndicatorInput
from sharing.signals.models import Signal
from tests import factories
from tests.portal.conftest import Scene, SignIn

PDQ = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22"


@pytest.fixture
def signal(scene: Scene) -> Signal:
    return factories.submit(
        scene.alpha,
        scene.group,
        kind="account",
        external_id="case-77",
        summary="First line.\n\nSecond <b>line</b>.",
        lawful_basis="Section 7",
        confidence=80,
        subject_role="victim",
        indicators=[("pdq", PDQ), ("email", "someone@example.org")],
        account=AccountInput("exampletube", ("advertises crossings",), "banned"),
    )


def shown(client: Client, signal: Signal, *more: str) -> str:
    answer = client.get("/".join(["/signals", str(signal.uuid), *more]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_everything_that_is_known_is_shown(signal: Signal, ana: Client) -> None:
    page = shown(ana, signal)
    for part in (
        PDQ, "case-77", "Section 7", "80 of 100", "Victim or person at risk", "exampletube", "advertises crossings",
        "Banned", "Trafficking watch", "TLP:AMBER – your organisation", "keyed token", "Active", "First line.",
    ):  # fmt: skip
        assert part in page, part
    assert "Second &lt;b&gt;line&lt;/b&gt;." in page
    assert "someone@" not in page
    assert page.count("data-copy=") == 2
    assert re.search(r'<time datetime="20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d.*\+00:00">', page)


def test_the_own_organisation_learns_who_can_see_it_and_why(signal: Signal, ana: Client) -> None:
    page = shown(ana, signal)
    audience = page.split('id="audience-heading"')[1]
    for part in ("Beta Video", "National agency", "Trafficking watch", "They signed the agreement."):
        assert part in audience
    assert "Gamma" not in audience


def test_others_see_neither_the_reference_nor_the_audience_nor_the_buttons(
    signal: Signal, scene: Scene, sign_in: SignIn
) -> None:
    page = shown(sign_in(factories.make_user(scene.beta)), signal)
    assert PDQ in page
    for part in ("case-77", "Who can see this", "/change", "/retract", "National agency"):
        assert part not in page, part


def test_reading_leaves_a_trace(signal: Signal, ana: Client, scene: Scene) -> None:
    shown(ana, signal)
    entry = AuditEntry.objects.get(action="signal.read")
    assert (entry.user_id, entry.object_id) == (scene.ana.pk, str(signal.uuid))


def test_related_matches_lead_to_the_evidence(scene: Scene, ana: Client) -> None:
    own = factories.submit(scene.alpha, scene.group, indicators=[("pdq", PDQ)], match=True)
    factories.submit(scene.beta, scene.group, indicators=[("pdq", PDQ)], match=True)
    match = Match.objects.get(recipient=scene.alpha)
    page = shown(ana, own)
    assert f"/matches/{match.uuid}" in page
    assert "With a signal of Beta Video" in page
    assert "Related to earlier signals" in shown(ana, match.signal)


@pytest.mark.parametrize("step", ["change", "retract"])
def test_only_the_submitter_changes_a_signal(step: str, signal: Signal, scene: Scene, sign_in: SignIn) -> None:
    other = sign_in(factories.make_user(scene.beta))
    assert other.get(f"/signals/{signal.uuid}/{step}").status_code == 403
    posted = other.post(f"/signals/{signal.uuid}/{step}", {"reason": "Mine now", "sure": "on"})
    assert posted.status_code == 403
    assert Signal.objects.get(pk=signal.pk).retracted_at is None


def test_retracting_asks_for_a_reason_and_a_tick(signal: Signal, ana: Client, scene: Scene) -> None:
    address = f"/signals/{signal.uuid}/retract"
    assert "Beta Video" in shown(ana, signal, "retract")
    refused = ana.post(address, {"reason": "Wrong person"}).content.decode()
    assert 'href="#id_sure"' in refused
    assert Signal.objects.get(pk=signal.pk).retracted_at is None
    answer = ana.post(address, {"reason": "Wrong person", "sure": "on"}, follow=True)
    page = answer.content.decode()
    assert "The signal was retracted." in page
    assert "Wrong person" in page
    assert "Only your organisation: the signal is no longer active." in page
    assert Signal.objects.get(pk=signal.pk).retraction_reason == "Wrong person"
    assert ana.get(address).status_code == 302
    assert ana.get(f"/signals/{signal.uuid}/change").status_code == 409


def test_a_reason_that_names_somebody_is_refused_and_not_repeated(signal: Signal, ana: Client) -> None:
    data = {"reason": "someone@example.org asked", "sure": "on"}
    page = ana.post(f"/signals/{signal.uuid}/retract", data).content.decode()
    assert "seems to hold an e-mail address" in page
    assert "someone@" not in page
    assert "[…] asked" in page
    assert Signal.objects.get(pk=signal.pk).retracted_at is None


def form_of(page: str) -> dict[str, Any]:
    """What a browser would send back unchanged."""
    inputs = re.findall(r'<input type="([^"]*)" name="(\w+)" value="([^"]*)"([^>]*)>', page)
    data = {name: value for kind, name, value, rest in inputs if kind != "radio" or "checked" in rest}
    for name, body in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', page, re.DOTALL):
        data[name] = (re.findall(r'value="([^"]*)" selected', body) or [""])[0]
    for name, body in re.findall(r'<textarea name="(\w+)".*?>(.*?)</textarea>', page, re.DOTALL):
        data[name] = body.strip().replace("&lt;", "<").replace("&gt;", ">")
    return data


def test_a_change_sends_only_what_was_changed(signal: Signal, ana: Client) -> None:
    data = form_of(shown(ana, signal, "change"))
    before = Signal.objects.filter(pk=signal.pk).values().get()
    answer = ana.post(f"/signals/{signal.uuid}/change", data | {"severity": "low", "confidence": "10"})
    assert answer.status_code == 302
    after = Signal.objects.filter(pk=signal.pk).values().get()
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed - {"updated_at", "commit_xid"} == {"severity", "confidence"}
    assert AuditEntry.objects.get(action="signal.updated").detail["fields"] == ["confidence", "severity"]
    assert PDQ in shown(ana, signal)


def test_saving_without_a_change_writes_nothing(signal: Signal, ana: Client) -> None:
    data = form_of(shown(ana, signal, "change"))
    assert ana.post(f"/signals/{signal.uuid}/change", data).status_code == 302
    assert not AuditEntry.objects.filter(action="signal.updated").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tlp": "AMBER+STRICT"}, "This group takes signals up to TLP:AMBER."),
        ({"tlp": "RED"}, "TLP:RED goes to named organisations only"),
        ({"expires_at": "2001-01-01T10:00"}, "Expires: A signal expires in the future"),
        ({"observed_at": "2999-01-01T10:00"}, "Observed: This moment is in the future."),
        ({"confidence": "200"}, "Confidence: "),
        ({"harm": "x"}, "Harm: Choose one of the list."),
    ],
)
def test_a_change_that_is_refused_says_why(change: dict[str, str], said: str, signal: Signal, ana: Client) -> None:
    data = form_of(shown(ana, signal, "change"))
    answer = ana.post(f"/signals/{signal.uuid}/change", data | change)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not AuditEntry.objects.filter(action="signal.updated").exists()


def test_a_token_is_shown_and_never_the_identifier(scene: Scene, ana: Client) -> None:
    signal = factories.submit(
        scene.alpha, scene.group, indicators=[IndicatorInput("username", "Crossings_Now", platform="exampletube")]
    )
    page = shown(ana, signal)
    link = signal.indicator_links.select_related("indicator").get()
    assert link.indicator.text in page
    assert "crossings_now" not in page.lower()
