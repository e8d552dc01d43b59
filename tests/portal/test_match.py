"""One match: the evidence in words, and the verdict."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from hub.audit.models import AuditEntry
from sharing.matching.models import Match
from sharing.matching.selectors import Evidence
from sharing.matching.services import give_verdict
from sharing.portal.explanations import in_words, strength_in_words
from sharing.signals.inputs import AccountInput
from tests import factories
from tests.portal.conftest import Scene

PDQ = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22"
NEAR = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b25"  # three bits away


@pytest.fixture
def match(scene: Scene) -> Match:
    mail = ("email", "someone@example.org")
    factories.submit(scene.alpha, scene.group, indicators=[("pdq", PDQ), mail], match=True, summary="Alpha's words")
    factories.submit(scene.beta, scene.group, indicators=[("pdq", NEAR), mail], match=True, summary="Beta's words")
    return Match.objects.get(recipient=scene.alpha)


def shown(client: Client, match: Match) -> str:
    return client.get(f"/matches/{match.uuid}").content.decode()


def test_both_sides_stand_beside_each_other_with_the_evidence(match: Match, ana: Client) -> None:
    page = shown(ana, match)
    for part in (
        "Beta Video and Alpha Social", "Alpha&#x27;s words", "Beta&#x27;s words", PDQ, NEAR,
        f"{PDQ[:8]}…{PDQ[-8:]}", "3 of 256 bits differ; up to 31 count as a match.",
        "The same token, so the same identifier.", "A match is a clue, not proof.", "Identical",
    ):  # fmt: skip
        assert part in page, part
    assert "someone@" not in page
    assert AuditEntry.objects.filter(action="match.read", object_id=str(match.uuid)).count() == 1


def test_only_your_own_reference_is_shown(scene: Scene, ana: Client) -> None:
    """By it you find the case in your own system; what the other side calls it stays with them."""
    for organisation, value, reference in ((scene.alpha, PDQ, "alpha-case-1"), (scene.beta, NEAR, "beta-post-77")):
        factories.submit(organisation, scene.group, indicators=[("pdq", value)], external_id=reference, match=True)
    page = shown(ana, Match.objects.get(recipient=scene.alpha))
    assert "alpha-case-1" in page
    assert "beta-post-77" not in page


@pytest.mark.parametrize(
    ("kind", "distance", "words"),
    [
        ("pdq", 0, "All 256 bits are the same."),
        ("pdq", 1, "1 of 256 bits differs; up to 31 count as a match."),
        ("phash", 8, "8 of 64 bits differ; up to 8 count as a match."),
        ("sha256", 0, "The same hash, so the same content."),
        ("phone", 0, "The same token, so the same identifier."),
    ],
)
def test_evidence_is_told_in_words(kind: str, distance: int, words: str) -> None:
    threshold = {"pdq": 31, "phash": 8}.get(kind, 0)
    assert in_words(Evidence(kind, "aa", "bb", distance, threshold)) == words


@pytest.mark.parametrize(
    ("strength", "words"),
    [(1.0, "Identical"), (0.99, "Very close"), (0.85, "Very close"), (0.7, "Close"), (0.52, "Near the limit")],
)
def test_strength_is_told_in_words(strength: float, words: str) -> None:
    assert strength_in_words(strength) == words


@pytest.mark.parametrize(
    ("strength", "words"), [(0.99, "Very strong"), (0.6, "Strong"), (0.3, "Moderate"), (0.29, "Weak"), (0.0, "Weak")]
)
def test_strength_between_accounts_has_words_of_its_own(strength: float, words: str) -> None:
    assert strength_in_words(strength, is_weighed=True) == words


def test_the_strength_of_two_accounts_is_shown_term_by_term(scene: Scene, ana: Client) -> None:
    mail, md5 = ("email", "someone@example.org"), ("md5", "900150983cd24fb0d6963f7d28e17f72")
    for organisation, picture in ((scene.alpha, PDQ), (scene.alpha, PDQ), (scene.beta, NEAR)):
        factories.submit(
            organisation,
            scene.group,
            kind="account",
            account=AccountInput(platform="exampletube"),
            indicators=[mail, md5, ("pdq", picture)],
            match=True,
        )
    page = shown(ana, Match.objects.get(recipient=scene.alpha))
    assert "0.57 = weight 0.90 × closeness 1.00 × rarity 0.63. 3 signals that you can see hold it." in page
    assert "0.36, and not counted: a stronger clue of the same kind is." in page
    assert re.search(r'Strong</span> <span class="text-secondary">0\.73<', page)


def test_a_verdict_is_kept_with_who_and_when(match: Match, ana: Client, scene: Scene) -> None:
    answer = ana.post(f"/matches/{match.uuid}/verdict", {"verdict": "true_positive", "note": "Same boat."}, follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain == [(f"/matches/{match.uuid}", 302)]
    assert "The verdict was saved." in page
    assert "By Ana Lopez," in page
    assert "Same boat." in page
    match.refresh_from_db()
    assert (match.verdict, match.reviewer_id) == ("true_positive", scene.ana.pk)


def test_a_verdict_can_be_taken_back(match: Match, ana: Client) -> None:
    address = f"/matches/{match.uuid}/verdict"
    ana.post(address, {"verdict": "disputed", "note": "Not sure."})
    page = ana.post(address, {"take_back": "1"}, follow=True).content.decode()
    assert "The verdict was taken back." in page
    match.refresh_from_db()
    assert (match.verdict, match.note, match.reviewer_id, match.reviewed_at) == ("unreviewed", "", None, None)
    verdicts = AuditEntry.objects.filter(action="match.verdict").order_by("pk")
    told = [(entry.detail["verdict"], entry.detail["note_length"], entry.reason) for entry in verdicts]
    assert told == [("disputed", 9, ""), ("unreviewed", 0, "")]
    assert "Not sure" not in str(AuditEntry.objects.filter(action="match.verdict").values())


def test_a_note_with_an_identifier_is_refused_without_advice_that_leads_nowhere(match: Match, ana: Client) -> None:
    form = {"verdict": "disputed", "note": "Ask jo@example.org"}
    page = ana.post(f"/matches/{match.uuid}/verdict", form).content.decode()
    assert "Take it out of the text." in page
    assert "as an indicator" not in page


def test_htmx_gets_the_verdict_alone_and_is_told(match: Match, ana: Client) -> None:
    answer = ana.post(f"/matches/{match.uuid}/verdict", {"verdict": "false_positive"}, headers={"hx-request": "true"})
    part = answer.content.decode()
    assert "<html" not in part
    assert re.search(r'role="status" tabindex="-1" autofocus>The verdict was saved\.', part)
    assert "Take back" in part


@pytest.mark.parametrize("headers", [{}, {"hx-request": "true"}])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Choose one."),
        ({"verdict": "certain"}, "Choose one of the list."),
        ({"verdict": "unreviewed"}, "Choose one of the list."),
        ({"verdict": "disputed", "note": "ask someone@example.org"}, "seems to hold an e-mail address"),
        ({"verdict": "disputed", "note": "x" * 1_001}, "at most 1000 characters"),
    ],
)
def test_a_verdict_that_is_refused_says_why_and_repeats_no_identifier(
    data: dict[str, str], said: str, headers: dict[str, str], match: Match, ana: Client
) -> None:
    answer = ana.post(f"/matches/{match.uuid}/verdict", data, headers=headers)
    page = answer.content.decode()
    assert said in page
    assert "There is a problem" in page
    assert page.count('id="error-summary"') == 1
    assert "someone@" not in page
    match.refresh_from_db()
    assert match.verdict == "unreviewed"


def test_a_verdict_of_a_program_names_the_program(match: Match, ana: Client, scene: Scene) -> None:
    actor = factories.actor_for(scene.alpha)
    give_verdict(actor=actor, uuid=match.uuid, verdict="needs_more")
    assert f"By the API client {actor.client}," in shown(ana, match)


def test_evidence_of_a_hidden_signal_is_not_shown(match: Match, ana: Client, scene: Scene) -> None:
    other = factories.make_group("other")
    factories.give(scene.beta, other)
    factories.give(scene.gamma, other)
    factories.submit(scene.gamma, other, indicators=[("pdq", NEAR)], match=True, summary="Gamma's words")
    assert "Gamma" not in shown(ana, match)
