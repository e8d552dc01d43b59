"""The list of signals, the inbox of matches and the dashboard: what is shown, narrowed, paged and asked for."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from hub.cursors import seal
from sharing.matching.models import Match
from sharing.matching.services import give_verdict
from sharing.portal import paging
from sharing.signals.inputs import AccountInput, IndicatorInput
from sharing.signals.models import Signal
from tests import factories
from tests.portal.conftest import Scene, SignIn

ONE = [("md5", "0cc175b9c0f1b6a831c399e269772661")]


def text(client: Client, address: str, **query: Any) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def names(page: str) -> list[str]:
    """Ids of the rows, in order."""
    return re.findall(r'row-name" href="/(?:signals|matches)/([0-9a-f-]+)"', page)


@pytest.fixture
def mixed(scene: Scene) -> dict[str, Signal]:
    return {
        "boat": factories.submit(scene.beta, scene.group, summary="Boat engines in bulk", severity="low", harm="other"),
        "visa": factories.submit(scene.alpha, scene.group, summary="Visa within a week", indicators=ONE),
        "person": factories.submit(
            scene.beta,
            scene.group,
            kind="account",
            severity="critical",
            indicators=[IndicatorInput("username", "someone_there", platform="exampletube")],
            account=AccountInput("exampletube"),
        ),
        "hidden": factories.submit(scene.beta, named_organisations=("gamma",), summary="Boat for gamma", tlp="RED"),
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["person", "visa", "boat"]),
        ({"kind": "account"}, ["person"]),
        ({"harm": "other"}, ["boat"]),
        ({"severity": "critical"}, ["person"]),
        ({"type": "md5"}, ["visa"]),
        ({"group": "watch"}, ["person", "visa", "boat"]),
        ({"group": "unknown"}, []),
        ({"organisation": "beta"}, ["person", "boat"]),
        ({"organisation": "gamma"}, []),
        ({"text": "boat"}, ["boat"]),
        ({"text": ONE[0][1]}, ["visa"]),
        ({"since": "2999-01-01"}, []),
        ({"organisation": "beta", "severity": "low"}, ["boat"]),
    ],
)
def test_signals_are_narrowed_and_the_newest_comes_first(
    query: dict[str, str], found: list[str], mixed: dict[str, Signal], ana: Client
) -> None:
    page = text(ana, "/signals", **query)
    assert names(page) == [str(mixed[name].uuid) for name in found]
    assert f"Signals: {len(found)}" in page
    assert "gamma" not in page.replace('value="gamma" selected>gamma', "")


def test_a_part_for_htmx_holds_the_list_alone(mixed: dict[str, Signal], ana: Client) -> None:
    part = ana.get("/signals", {"kind": "account"}, headers={"hx-request": "true"}).content.decode()
    assert names(part) == [str(mixed["person"].uuid)]
    assert "<html" not in part
    assert part.strip().startswith('<div id="results">')
    whole = ana.get("/signals", headers={"hx-request": "true", "hx-history-restore-request": "true"})
    assert "<html" in whole.content.decode()


@pytest.mark.parametrize(
    "query", [{"kind": "x"}, {"harm": "<b>"}, {"since": "soon"}, {"type": "x"}, {"text": "a" * 201}]
)
def test_a_filter_that_makes_no_sense_is_explained(query: dict[str, str], mixed: Any, ana: Client) -> None:
    page = text(ana, "/signals", **query)
    assert names(page) == []
    assert 'class="alert alert-danger" role="alert"' in page
    assert "<b>" not in page


@pytest.mark.parametrize("words", ["someone@example.org", "call +44 20 7946 0018"])
def test_a_search_for_an_identifier_is_refused_and_not_repeated(words: str, mixed: Any, ana: Client) -> None:
    page = text(ana, "/signals", text=words)
    assert "The hub holds no e-mail addresses or phone numbers" in page
    assert "example.org" not in page
    assert "7946" not in page


def test_since_counts_from_midnight_where_the_person_is(scene: Scene, sign_in: SignIn) -> None:
    scene.ana.time_zone = "Pacific/Auckland"
    scene.ana.save()
    signal = factories.submit(scene.alpha, scene.group)
    # 12:30 UTC on the 1st is half past midnight (or half past one) on the 2nd in Auckland.
    Signal.objects.filter(pk=signal.pk).update(created_at="2026-06-01T12:30:00Z")
    client = sign_in(scene.ana)
    assert names(text(client, "/signals", since="2026-06-02")) == [str(signal.uuid)]
    assert names(text(client, "/signals", since="2026-06-03")) == []
    assert "2 Jun 2026, 00:30" in text(client, "/signals")


def test_older_goes_on_where_the_page_ended_and_keeps_the_filters(
    scene: Scene, ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "SIZE", 2)
    wanted = [str(factories.submit(scene.beta, scene.group, severity="low").uuid) for _ in range(5)]
    factories.submit(scene.beta, scene.group, severity="high")
    seen: list[str] = []
    address: str | None = "/signals?severity=low&organisation=beta"
    while address:
        page = text(ana, address)
        seen += names(page)
        assert "Signals: 5" in page
        older = re.search(r'href="(\?[^"]*)" rel="next"', page)
        address = "/signals" + older[1].replace("&amp;", "&") if older else None
    assert seen == wanted[::-1]
    assert '<a class="btn" href="?severity=low&amp;organisation=beta">Newest</a>' in page


@pytest.mark.parametrize("before", ["x", "-1", "1e3", "٣", "9" * 30])
@pytest.mark.parametrize("address", ["/signals", "/matches"])
def test_a_page_that_nobody_was_given_is_absent(before: str, address: str, ana: Client) -> None:
    assert ana.get(address, {"before": before}).status_code == 404


@pytest.mark.parametrize(("address", "rows"), [("/signals", "matches"), ("/matches", "signals")])
def test_a_page_of_another_list_or_member_is_absent(address: str, rows: str, ana: Client, scene: Scene) -> None:
    here = address.removeprefix("/")
    assert ana.get(address, {"before": seal(7, rows=here, reader=scene.alpha.pk)}).status_code == 200
    assert ana.get(address, {"before": seal(7, rows=rows, reader=scene.alpha.pk)}).status_code == 404
    assert ana.get(address, {"before": seal(7, rows=here, reader=scene.beta.pk)}).status_code == 404


def test_counting_stops_where_nobody_would_read_on() -> None:
    assert paging.capped(9_999, 10_000) == "9,999"
    assert paging.capped(10_000, 10_000) == "10,000"
    assert paging.capped(10_001, 10_000) == "10,000+"


def test_one_offers_only_groups_and_organisations_that_one_may_know(mixed: Any, ana: Client, scene: Scene) -> None:
    factories.make_group("secret", name="Secret group")
    page = text(ana, "/signals")
    offered = re.findall(r'<option value="([a-z-]+)"', page.split('name="group"')[1].split("</form>")[0])
    # The agency only looks: no signal of it can come. gamma is in no group of alpha.
    assert offered == ["watch", "alpha", "beta"]


def test_who_named_one_can_be_chosen_and_who_left_too(scene: Scene, ana: Client) -> None:
    factories.submit(scene.gamma, named_organisations=("alpha",), tlp="RED", summary="For alpha only")
    page = text(ana, "/signals", organisation="gamma")
    assert '<option value="gamma" selected>Gamma Market</option>' in page
    assert "For alpha only" in page
    assert "Named organisations" in page


def test_a_retracted_signal_of_ones_own_is_marked(scene: Scene, ana: Client) -> None:
    signal = factories.submit(scene.alpha, scene.group)
    Signal.objects.filter(pk=signal.pk).update(retracted_at=timezone.now())
    assert "Retracted" in text(ana, "/signals")


def test_the_list_asks_the_same_few_questions_however_long_it_is(
    scene: Scene, ana: Client, django_assert_num_queries: Any
) -> None:
    for _ in range(7):
        factories.submit(scene.beta, scene.group, indicators=[("md5", f"{_:032x}"), ("sha1", f"{_ + 1:040x}")])
    ana.get("/signals")  # Django remembers its content types from here on
    # session, user with organisation; groups to choose from; grants to view, which of those groups are active;
    # organisations to choose from; ids of the page, signals, their shares, their indicators; count
    with django_assert_num_queries(11):
        assert len(names(text(ana, "/signals"))) == 7


@pytest.fixture
def matched(scene: Scene) -> list[Match]:
    factories.submit(scene.alpha, scene.group, indicators=ONE, match=True)
    for severity, harm in (("low", "other"), ("high", "labour_exploitation"), ("critical", "other")):
        factories.submit(scene.beta, scene.group, indicators=ONE, match=True, severity=severity, harm=harm)
    return list(Match.objects.filter(recipient=scene.alpha).order_by("-pk"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [0, 1, 2]),
        ({"severity": "high"}, [1]),
        ({"harm": "other"}, [0, 2]),
        ({"verdict": "unreviewed"}, [0, 2]),
        ({"verdict": "disputed"}, [1]),
        ({"verdict": "false_positive"}, []),
    ],
)
def test_matches_are_narrowed(
    query: dict[str, str], found: list[int], matched: list[Match], ana: Client, scene: Scene
) -> None:
    give_verdict(actor=factories.actor_for(scene.alpha), uuid=matched[1].uuid, verdict="disputed")
    page = text(ana, "/matches", **query)
    assert names(page) == [str(matched[position].uuid) for position in found]
    assert f"Matches: {len(found)}" in page


def test_unreviewed_matches_stand_out_in_words_too(matched: list[Match], ana: Client, scene: Scene) -> None:
    give_verdict(actor=factories.actor_for(scene.alpha), uuid=matched[0].uuid, verdict="true_positive")
    rows = text(ana, "/matches").split("<tr")[2:]
    assert ['class="unreviewed"' in row for row in rows] == [False, True, True]
    assert ["Not reviewed" in row for row in rows] == [False, True, True]
    assert "Identical</span>" in rows[0]
    assert "1.00" in rows[0]


def test_the_inbox_is_paged(matched: list[Match], ana: Client, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "SIZE", 2)
    first = text(ana, "/matches", verdict="unreviewed")
    assert names(first) == [str(matched[0].uuid), str(matched[1].uuid)]
    older = seal(matched[1].pk, rows="matches", reader=scene.alpha.pk)
    assert f"?verdict=unreviewed&amp;before={older}" in first
    second = text(ana, "/matches", verdict="unreviewed", before=older)
    assert names(second) == [str(matched[2].uuid)]
    assert 'rel="next"' not in second


def test_the_inbox_asks_the_same_few_questions_however_long_it_is(
    matched: list[Match], ana: Client, django_assert_num_queries: Any
) -> None:
    ana.get("/matches")  # Django remembers its content types from here on
    # session, user with organisation; grants to view, which of those groups are active; matches; signals of both
    # sides, their shares, their indicators; flood notices; count; what was found later (nothing here)
    with django_assert_num_queries(11):
        assert len(names(text(ana, "/matches"))) == 3


def test_the_dashboard_counts_what_waits(matched: list[Match], ana: Client, scene: Scene) -> None:
    give_verdict(actor=factories.actor_for(scene.alpha), uuid=matched[0].uuid, verdict="disputed")
    page = text(ana, "/")
    flat = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "2 matches wait for a verdict" in flat
    assert "1 signal of your organisation" in flat
    assert page.count('href="/matches/') == 3
    assert page.count('href="/signals/') - page.count('href="/signals/new"') == 4


def test_an_empty_dashboard_says_what_to_do(scene: Scene, ana: Client, sign_in: SignIn) -> None:
    assert "Nobody has shared anything with your groups so far." in text(ana, "/")
    alone = text(sign_in(factories.make_user(scene.gamma)), "/")
    assert "Your organisation is in no sharing group yet." in alone
    assert "No matches yet" in alone


def test_the_dashboard_of_who_keeps_the_hub_sends_nobody_to_himself(scene: Scene, sign_in: SignIn) -> None:
    operator = factories.make_operator().user
    assert operator is not None
    page = text(sign_in(operator), "/")
    assert "use the administration" in page
    assert "Ask the hub" not in page


@pytest.mark.parametrize(
    ("address", "field", "counted"), [("/signals", "since", "Signals:"), ("/matches", "verdict", "Matches:")]
)
def test_a_filter_that_is_wrong_is_told_once_and_nothing_is_counted(
    address: str, field: str, counted: str, ana: Client
) -> None:
    page = text(ana, address, **{field: "nonsense"})
    assert page.count(f'id="id_{field}_error"') == 1
    assert f'aria-describedby="id_{field}_error"' in page
    assert "errorlist" not in page
    assert counted not in page
    assert counted in text(ana, address)


def test_what_expired_is_out_of_the_list_and_the_inbox(matched: list[Match], ana: Client, scene: Scene) -> None:
    past = timezone.now() - timedelta(minutes=1)
    Signal.objects.filter(organisation=scene.beta).update(expires_at=past)
    assert len(names(text(ana, "/signals"))) == 1
    assert names(text(ana, "/matches")) == []


@pytest.mark.parametrize("change", [{"retracted_at": timezone.now()}, {"expires_at": timezone.now()}])
def test_who_named_one_in_a_signal_that_is_gone_is_not_offered(change: Any, ana: Client, scene: Scene) -> None:
    factories.submit(scene.gamma, named_organisations=("alpha",), tlp="RED")
    assert 'value="gamma"' in text(ana, "/signals")
    Signal.objects.filter(organisation=scene.gamma).update(**change)
    assert 'value="gamma"' not in text(ana, "/signals")
