"""Checking and blinding through pages: the same rules, quota and audit as in the API, with a session."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from accounts.identifier_quota import used_today
from accounts.models import Organisation
from hub.audit.models import AuditEntry
from hub.audit.tallies import write_tallies
from sharing import oprf, signal_types
from sharing.portal.views import checking
from sharing.signals.indicators import Indicator
from sharing.signals.tokens import token_of
from tests import factories
from tests.portal.conftest import Scene

PDQ = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22"
NEAR = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b25"
ELEMENT = "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"
EMAIL = "someone@example.org"


def rows(*items: dict[str, str]) -> dict[str, str]:
    sent = {"indicators-TOTAL_FORMS": str(len(items)), "indicators-INITIAL_FORMS": "0"}
    return sent | {f"indicators-{at}-{name}": value for at, item in enumerate(items) for name, value in item.items()}


def check(client: Client, *items: dict[str, str], **headers: str) -> str:
    answer = client.post(reverse("portal:check"), rows(*items), headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def tokens_of(scene: Scene, value: str) -> dict[str, str]:
    key_id, token = token_of("email", signal_types.get("email").parse(value))
    return {"type": "email", "token": token.hex(), "key_id": key_id}


def test_near_hashes_and_tokens_are_found_with_their_distance(scene: Scene, ana: Client) -> None:
    near = factories.submit(scene.beta, scene.group, indicators=[("pdq", NEAR)])
    known = factories.submit(scene.beta, scene.group, indicators=[("email", EMAIL)])
    page = check(ana, {"type": "pdq", "value": PDQ}, tokens_of(scene, EMAIL), {"type": "md5", "value": "ab" * 16})
    first, second, third = page.split("<section")[1:]
    assert str(near.uuid) in first
    assert "3 of 256 bits differ." in first
    assert "Beta Video" in first
    assert str(known.uuid) in second
    assert "The same value." in second
    assert "Nothing that you can see." in third
    assert EMAIL not in page


def test_victims_and_red_are_not_told_of(scene: Scene, ana: Client) -> None:
    factories.submit(scene.beta, scene.group, indicators=[("pdq", PDQ)], subject_role="victim")
    assert "Nothing that you can see." in check(ana, {"type": "pdq", "value": PDQ})


def test_htmx_gets_the_results_alone(scene: Scene, ana: Client) -> None:
    part = check(ana, {"type": "pdq", "value": PDQ}, **{"HX-Request": "true"})
    assert part.lstrip().startswith('<div id="results">')


def test_a_wrong_row_is_named_and_an_empty_form_too(scene: Scene, ana: Client) -> None:
    assert "There is nothing to check yet" in check(ana)
    page = check(ana, {"type": "pdq", "value": "abc"}, {"type": "email", "token": "ab" * 32, "key_id": "none"})
    assert "The hash has the wrong number of digits" in page
    assert "The hub has no live key of this id." in page
    # Only what is known by its shape comes back.
    page = check(ana, {"type": "email", "token": EMAIL, "key_id": "447911123456"}, {"value": "x"})
    assert EMAIL not in page
    assert "447911123456" not in page


def test_what_is_checked_is_counted_and_not_kept(scene: Scene, ana: Client) -> None:
    check(ana, {"type": "pdq", "value": PDQ}, {"type": "md5", "value": "ab" * 16})
    write_tallies()
    entry = AuditEntry.objects.get(action="signals.looked_up")
    assert entry.detail["items"] == 2
    assert entry.user_id == scene.ana.pk
    assert not Indicator.objects.exists()


def test_a_person_checks_so_often_in_a_minute(scene: Scene, ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "CHECKS_PER_MINUTE", 2)
    for _time in range(2):
        check(ana, {"type": "pdq", "value": PDQ})
    answer = ana.post(reverse("portal:check"), rows({"type": "pdq", "value": PDQ}))
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 61


def test_identifiers_in_plain_are_refused_and_not_offered_without_the_switch(scene: Scene, ana: Client) -> None:
    def offered(page: str) -> bool:
        # What scripts add stands in a template.
        return 'value="email"' in re.sub(r"<template.*?</template>", "", page, flags=re.DOTALL)

    page: Any = reverse("portal:check")
    assert offered(ana.get(page).content.decode())
    Organisation.objects.update(plain_identifiers=False)
    assert not offered(ana.get(page).content.decode())
    told = check(ana, {"type": "email", "value": EMAIL})
    assert "sends identifiers as tokens only" in told
    assert EMAIL not in told


def test_an_evaluation_is_proved_counted_and_audited(scene: Scene, ana: Client) -> None:
    Organisation.objects.update(plain_identifiers=False)
    (key,) = ana.get(reverse("portal:identifier-keys")).json()["keys"]
    message = oprf.token_message("email", signal_types.get("email").parse(EMAIL))
    sent = [oprf.blind(message), oprf.blind(message)]
    answer = ana.post(reverse("portal:identifier-evaluate"), {"element": [one.element.hex() for one in sent]}).json()
    assert answer["key_id"] == key["key_id"]
    elements = [bytes.fromhex(element) for element in answer["elements"]]
    proof, public_key = bytes.fromhex(answer["proof"]), bytes.fromhex(key["public_key"])
    first, second = oprf.finalize(sent, elements, proof, public_key)
    assert first == second
    assert oprf.token_from(first) == token_of("email", signal_types.get("email").parse(EMAIL))[1]
    assert used_today(scene.alpha) == 2
    write_tallies()
    assert AuditEntry.objects.get(action="identifiers.evaluated").detail["items"] == 2


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({}, 400, "from 1 to 1000 elements"),
        ({"element": "ab"}, 400, "64 hexadecimal digits"),
        ({"element": ELEMENT, "key_id": "none"}, 400, "no live key of this id"),
    ],
)
def test_a_refused_evaluation_says_why(sent: dict[str, str], status: int, said: str, scene: Scene, ana: Client) -> None:
    answer = ana.post(reverse("portal:identifier-evaluate"), sent)
    assert answer.status_code == status
    assert said in answer.json()["message"]


def test_the_quota_holds_for_people(scene: Scene, ana: Client, settings: LazySettings) -> None:
    settings.IDENTIFIERS_PER_DAY = 1
    assert ana.post(reverse("portal:identifier-evaluate"), {"element": ELEMENT}).status_code == 200
    answer = ana.post(reverse("portal:identifier-evaluate"), {"element": ELEMENT})
    assert answer.status_code == 429
    assert "quota of 1" in answer.json()["message"]


def test_an_auditor_neither_checks_nor_makes_tokens(auditor: Client) -> None:
    assert auditor.get(reverse("portal:check")).status_code == 403
    assert auditor.post(reverse("portal:check"), rows({"type": "pdq", "value": PDQ})).status_code == 403
    answer = auditor.post(reverse("portal:identifier-evaluate"), {"element": ELEMENT})
    assert answer.status_code == 403
    assert reverse("portal:check") not in auditor.get(reverse("portal:dashboard")).content.decode()


def test_another_site_can_have_nothing_evaluated(scene: Scene) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(scene.ana, backend="accounts.backends.MemberBackend")
    for page, sent in (("identifier-evaluate", {"element": ELEMENT}), ("check", rows({"type": "pdq", "value": PDQ}))):
        assert browser.post(reverse(f"portal:{page}"), sent).status_code == 403
    assert used_today(scene.alpha) == 0
