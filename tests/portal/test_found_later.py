"""Matches that were found among stored signals: one line that says why, and a list of their own."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from sharing.matching.models import Match, Rematch
from sharing.matching.rematches import start_rematch
from sharing.matching.services import give_verdict
from sharing.matching.summaries import SHOWN, SeenRematch
from sharing.portal.rematches import found_when, summary_lines
from tests import factories
from tests.matching.working import work_off
from tests.portal.conftest import Scene, SignIn
from tests.portal.test_lists import names, text

WHY = "Found when you came to see the signals of Trafficking watch."


def hashes(number: int) -> list[tuple[str, str]]:
    return [("md5", f"{number:032x}")]


@pytest.fixture
def gamma_joined(scene: Scene, sign_in: SignIn) -> Client:
    """gamma has joined the group; three signals of its own relate to alpha's. One more came in since."""
    work_off()
    for number in range(3):
        factories.submit(scene.alpha, scene.group, indicators=hashes(number))
        factories.submit(scene.gamma, named_organisations=("agency",), indicators=hashes(number))
    work_off()
    factories.give(scene.gamma, scene.group, "view")
    work_off()
    factories.submit(scene.beta, scene.group, indicators=hashes(0), match=True)
    return sign_in(factories.make_user(scene.gamma))


def flat(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def found_for(scene: Scene) -> Rematch:
    return Rematch.objects.get(for_organisation=scene.gamma)


def test_they_come_as_one_line_and_do_not_bury_what_comes_in(scene: Scene, gamma_joined: Client) -> None:
    fresh = Match.objects.get(recipient=scene.gamma, rematch=None)
    for address in ("/", "/matches"):
        page = text(gamma_joined, address)
        assert "3 matches wait for a verdict" in flat(page)
        assert WHY in page
        assert f'href="/matches?found=rematch&amp;rematch={found_for(scene).uuid}&amp;verdict=unreviewed"' in page
    assert names(text(gamma_joined, "/matches")) == [str(fresh.uuid)]
    assert "Matches: 1" in text(gamma_joined, "/matches")
    # The dashboard's figure counts both, and its link shows as many.
    dashboard = text(gamma_joined, "/")
    assert "4 matches wait for a verdict" in flat(dashboard)
    assert 'href="/matches?verdict=unreviewed&amp;found=all"' in dashboard
    assert len(names(text(gamma_joined, "/matches", verdict="unreviewed", found="all"))) == 4


def test_the_line_leads_to_all_of_them_and_each_says_why(scene: Scene, gamma_joined: Client) -> None:
    rematch = found_for(scene)
    later = [str(match.uuid) for match in Match.objects.filter(rematch=rematch).order_by("-pk")]
    page = text(gamma_joined, "/matches", found="rematch", rematch=rematch.uuid, verdict="unreviewed")
    assert names(page) == later
    assert page.count('<span class="portal-tag">later</span>') == 3
    assert WHY in page
    assert f'name="rematch" value="{rematch.uuid}"' in page
    assert names(text(gamma_joined, "/matches", found="rematch")) == later
    # Another choice in the form leaves the summary.
    assert len(names(text(gamma_joined, "/matches", found="", rematch=rematch.uuid))) == 1
    assert len(names(text(gamma_joined, "/matches", found="all"))) == 4
    assert WHY in text(gamma_joined, f"/matches/{later[0]}")


def test_the_line_goes_when_all_have_a_verdict(scene: Scene, gamma_joined: Client) -> None:
    rows = list(Match.objects.filter(rematch=found_for(scene)))
    actor = factories.actor_for(scene.gamma)
    for left, match in ((2, rows[0]), (1, rows[1])):
        give_verdict(actor=actor, uuid=match.uuid, verdict="true_positive")
        assert f"{left} match" in flat(text(gamma_joined, "/matches"))
    give_verdict(actor=actor, uuid=rows[2].uuid, verdict="disputed")
    assert "Found later" not in text(gamma_joined, "/matches")


def test_the_count_is_of_what_is_seen_now(scene: Scene, gamma_joined: Client) -> None:
    hidden = Match.objects.filter(rematch=found_for(scene)).latest("pk")
    hidden.signal.expires_at = hidden.signal.created_at
    hidden.signal.save()
    assert "2 matches wait for a verdict" in flat(text(gamma_joined, "/matches"))
    scene.group.grants.filter(group__organisation=scene.gamma).delete()
    page = text(gamma_joined, "/matches")
    assert "Found later" not in page and "Trafficking watch" not in page


def test_another_member_sees_nothing_of_it(scene: Scene, gamma_joined: Client, ana: Client) -> None:
    rematch = found_for(scene)
    for address in ("/", "/matches"):
        assert "Found later, among" not in text(ana, address)
    hidden, absent = (
        ana.get("/matches", {"found": "rematch", "rematch": str(uuid)}, headers={"hx-request": "true"}).content
        for uuid in (rematch.uuid, uuid4())
    )
    assert hidden == absent
    assert names(hidden.decode()) == []


def test_an_id_that_is_none_is_explained(ana: Client, scene: Scene) -> None:
    assert 'class="alert alert-danger" role="alert"' in text(ana, "/matches", rematch="x")


def test_a_group_that_the_reader_left_is_not_named(scene: Scene, gamma_joined: Client) -> None:
    other = factories.make_group("other", name="Another watch")
    found_for(scene).groups.add(other)
    page = text(gamma_joined, "/matches")
    assert WHY in page and "Another watch" not in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cause": "asked"}, "Found when all signals were matched again."),
        ({"cause": "type", "signal_type": "md5"}, "Found when signals with MD5 of a file were matched again."),
        (
            {"cause": "threshold", "signal_type": "pdq"},
            "Found when a threshold changed and signals with PDQ picture hash were matched again.",
        ),
        ({"cause": "import"}, "Found when older signals were imported."),
    ],
)
def test_each_cause_has_its_words_and_the_reason_is_not_told(
    scene: Scene, fields: dict[str, str], words: str, ana: Client
) -> None:
    for organisation in (scene.alpha, scene.beta):
        value = [("pdq", "f" * 64)] if fields.get("signal_type") == "pdq" else hashes(1)
        factories.submit(organisation, scene.group, indicators=value)
    start_rematch(actor=factories.make_operator(), reason="Because of case 12", **fields)
    work_off("rematch.step")
    page = text(ana, "/matches")
    assert words in page
    assert "1 match waits for a verdict" in flat(page)
    assert "case 12" not in page


def test_many_give_the_newest_few_lines_and_as_many_questions(
    scene: Scene, gamma_joined: Client, django_assert_max_num_queries: Any
) -> None:
    actor = factories.actor_for(scene.gamma)
    matches = list(Match.objects.filter(recipient=scene.gamma))
    for match in matches:
        rematch = Rematch.objects.create(cause="asked", reason="One of many.")
        Match.objects.filter(pk=match.pk).update(rematch=rematch)
    lines = summary_lines(actor)
    assert [line.rematch.pk for line in lines] == sorted((line.rematch.pk for line in lines), reverse=True)
    assert len(lines) == SHOWN < len(matches)
    assert {line.waiting for line in lines} == {1}
    # They; their groups; how many wait, for each line
    with django_assert_max_num_queries(2 + SHOWN):
        summary_lines(actor)


def test_sight_without_a_group_has_its_words(scene: Scene) -> None:
    seen = SeenRematch(Rematch(cause="sight", for_organisation=scene.gamma), [])
    assert found_when(seen) == "Found when you came to see more signals."
