"""Who is told of what, and when it disappears again."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Organisation
from hub.errors import Invalid, NotFound, NotPermitted
from sharing.matching.models import Match
from sharing.matching.selectors import MatchFilters, matches_page, read_match
from sharing.matching.services import give_verdict, match_signals
from sharing.signals.inputs import IndicatorInput
from sharing.signals.services import retract_signal, update_signal
from tests import factories
from tests.matching.working import work_off

pytestmark = pytest.mark.django_db
PDQ = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22"
MD5 = "900150983cd24fb0d6963f7d28e17f72"


def flipped(value: str, bits: int) -> str:
    """The hash with its first `bits` bits turned over."""
    width = len(value) * 4
    return f"{int(value, 16) ^ ((1 << bits) - 1) << (width - bits):0{len(value)}x}"


@pytest.fixture
def members() -> Any:
    """alpha and beta contribute to one group, the agency views it, gamma is outside."""
    group = factories.make_group("watch")
    organisations = {slug: factories.make_organisation(slug) for slug in ("alpha", "beta", "agency", "gamma")}
    for slug, permission in (("alpha", "contribute"), ("beta", "contribute"), ("agency", "view")):
        factories.give(organisations[slug], group, permission)
    return group, organisations


def told(organisation: Organisation) -> list[Any]:
    return matches_page(factories.actor_for(organisation), MatchFilters())


@pytest.mark.parametrize(
    ("signal_type", "value", "threshold"), [("pdq", PDQ, 31), ("phash", PDQ[:16], 8), ("dhash", PDQ[:16], 8)]
)
@pytest.mark.parametrize("past", [-1, 0, 1])
def test_near_means_up_to_the_threshold_and_no_bit_more(
    members: Any, signal_type: str, value: str, threshold: int, past: int
) -> None:
    group, organisations = members
    factories.submit(organisations["alpha"], group, indicators=[(signal_type, value)])
    near = flipped(value, threshold + past)
    factories.submit(organisations["beta"], group, match=True, indicators=[(signal_type, near)])
    views = told(organisations["alpha"])
    assert len(views) == (0 if past > 0 else 1)
    if views:
        (evidence,) = views[0].related[0].evidence
        assert (evidence.type, evidence.distance, evidence.threshold) == (signal_type, threshold + past, threshold)
        assert {evidence.indicator, evidence.related_indicator} == {value, near}


@pytest.mark.parametrize(
    "indicator",
    [
        IndicatorInput("md5", MD5),
        IndicatorInput("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        IndicatorInput("url", "https://example.org/advert"),
        IndicatorInput("text", "boat leaves on friday, write now"),
        IndicatorInput("email", "someone@example.org"),
        IndicatorInput("phone", "+442079460958"),
        IndicatorInput("username", "somebody", platform="exampletube"),
    ],
    ids=lambda indicator: indicator.type,
)
def test_every_type_matches_by_identity(members: Any, indicator: IndicatorInput) -> None:
    group, organisations = members
    factories.submit(organisations["alpha"], group, indicators=[indicator])
    factories.submit(organisations["beta"], group, match=True, indicators=[indicator])
    assert [len(told(organisations[slug])) for slug in ("alpha", "beta", "agency", "gamma")] == [1, 1, 1, 0]


def test_a_pair_is_told_once_and_only_between_organisations(members: Any) -> None:
    group, organisations = members
    first = factories.submit(organisations["alpha"], group, match=True, indicators=[("md5", MD5)])
    factories.submit(organisations["alpha"], group, match=True, indicators=[("md5", MD5)])
    assert not Match.objects.exists()
    second = factories.submit(organisations["beta"], group, match=True, indicators=[("md5", MD5)])
    match_signals([first.pk, second.pk])
    match_signals([second.pk])
    (view,) = told(organisations["agency"])
    assert view.match.signal == second
    assert {related.signal.organisation.slug for related in view.related} == {"alpha"}
    assert view.match.related_count == 2


def test_nobody_is_told_of_what_it_cannot_see(members: Any) -> None:
    group, organisations = members
    other = factories.make_group("other")
    for slug in ("gamma", "beta"):
        factories.give(organisations[slug], other)
    factories.submit(organisations["alpha"], group, indicators=[("md5", MD5)])
    factories.submit(organisations["gamma"], other, match=True, indicators=[("md5", MD5)])
    # Only beta sees both groups.
    assert [len(told(organisations[slug])) for slug in ("alpha", "beta", "agency", "gamma")] == [0, 1, 0, 0]


def test_hidden_related_signals_are_left_out_of_what_is_shown(members: Any) -> None:
    group, organisations = members
    other = factories.make_group("other")
    factories.give(organisations["beta"], other)
    factories.give(organisations["agency"], other, "view")
    factories.submit(organisations["alpha"], group, indicators=[("md5", MD5)])
    factories.submit(organisations["alpha"], group, indicators=[("md5", MD5)], summary="Second.")
    factories.submit(organisations["beta"], group, other, match=True, indicators=[("md5", MD5)])
    group.grants.filter(group__organisation=organisations["agency"]).delete()
    assert told(organisations["agency"]) == []
    (view,) = told(organisations["alpha"])
    assert len(view.related) == 2


def test_low_quality_matches_by_identity_only(members: Any) -> None:
    group, organisations = members
    near = flipped(PDQ, 3)
    factories.submit(organisations["alpha"], group, indicators=[IndicatorInput("pdq", PDQ, quality=20)])
    factories.submit(organisations["beta"], group, match=True, indicators=[IndicatorInput("pdq", near, quality=90)])
    assert told(organisations["alpha"]) == []
    factories.submit(organisations["beta"], group, match=True, indicators=[IndicatorInput("pdq", PDQ, quality=20)])
    assert len(told(organisations["alpha"])) == 1


def test_retraction_and_change_take_the_match_away(members: Any) -> None:
    group, organisations = members
    first = factories.submit(organisations["alpha"], group, indicators=[("md5", MD5)])
    second = factories.submit(organisations["beta"], group, match=True, indicators=[("md5", MD5)])
    alpha = factories.actor_for(organisations["alpha"])
    update_signal(actor=alpha, uuid=first.uuid, changes={"indicators": (IndicatorInput("md5", "1" * 32),)})
    match_signals([first.pk, *Match.objects.filter(related__overlap=[first.pk]).values_list("signal", flat=True)])
    assert told(organisations["beta"]) == []
    update_signal(actor=alpha, uuid=first.uuid, changes={"indicators": (IndicatorInput("md5", MD5),)})
    match_signals([first.pk])
    assert len(told(organisations["beta"])) == 1
    retract_signal(actor=factories.actor_for(organisations["beta"]), uuid=second.uuid, reason="Wrong picture.")
    assert [told(organisations[slug]) for slug in ("alpha", "beta", "agency")] == [[], [], []]


def test_a_verdict_is_kept_with_its_reviewer_and_can_be_taken_back(members: Any) -> None:
    group, organisations = members
    factories.submit(organisations["alpha"], group, indicators=[("md5", MD5)])
    second = factories.submit(organisations["beta"], group, match=True, indicators=[("md5", MD5)])
    user = factories.make_user(organisations["agency"])
    actor = factories.actor_of_user(user)
    uuid = Match.objects.get(recipient=organisations["agency"]).uuid
    match = give_verdict(actor=actor, uuid=uuid, verdict="false_positive", note="Two different rooms.")
    assert (match.verdict, match.reviewer) == ("false_positive", user)
    match_signals([second.pk])
    assert read_match(actor=actor, uuid=uuid).match.verdict == "false_positive"
    match = give_verdict(actor=actor, uuid=uuid, verdict="unreviewed")
    assert (match.reviewer, match.reviewed_at) == (None, None)
    with pytest.raises(Invalid):
        give_verdict(actor=actor, uuid=uuid, verdict="disputed", note="ask someone@example.org")
    with pytest.raises(NotFound):
        give_verdict(actor=factories.actor_for(organisations["alpha"]), uuid=uuid, verdict="disputed")
    auditor = factories.actor_of_user(factories.make_user(organisations["agency"], role="auditor"))
    with pytest.raises(NotPermitted):
        give_verdict(actor=auditor, uuid=uuid, verdict="disputed")


def test_a_row_stays_small_however_much_relates(members: Any) -> None:
    group, organisations = members
    for _ in range(30):
        factories.submit(organisations["alpha"], group, indicators=[("md5", MD5)])
    factories.submit(organisations["beta"], group, match=True, indicators=[("md5", MD5)])
    match = Match.objects.get(recipient=organisations["agency"])
    assert (match.related_count, len(match.related), len(match.evidence)) == (30, 20, 20)


@pytest.mark.parametrize("most", [1, 2, 1_000])
def test_pieces_of_work_that_are_taken_in_parts_leave_nothing_out(
    members: Any, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr("sharing.matching.services._NAMED", most)
    group, organisations = members
    hashes = [f"{number:032x}" for number in range(1, 6)]
    for member in ("alpha", "beta"):
        for value in hashes:
            factories.submit(organisations[member], group, indicators=[("md5", value)])
    work_off("signals.changed")
    pairs = [
        frozenset({row.signal_id, *row.related}) for row in Match.objects.filter(recipient=organisations["agency"])
    ]
    assert len(pairs) == len(set(pairs)) == len(hashes)
