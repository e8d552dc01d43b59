"""Thresholds that were set count at the next match, and only for their type."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from hub.audit.models import AuditEntry
from hub.errors import Invalid, NotPermitted
from sharing import signal_types
from sharing.matching.models import Match, Rematch
from sharing.matching.services import match_signals
from sharing.matching.thresholds import NearThreshold, default_of, set_threshold, thresholds
from sharing.signals.inputs import IndicatorInput
from tests import factories
from tests.videos import flipped, picture, video

pytestmark = pytest.mark.django_db


def lower(signal_type: str, threshold: int, reason: str = "Too many false ones.") -> None:
    set_threshold(actor=factories.make_operator(), signal_type=signal_type, threshold=threshold, reason=reason)


@pytest.fixture
def pair() -> Any:
    group = factories.make_group()
    organisations = [factories.make_organisation(), factories.make_organisation()]
    for organisation in organisations:
        factories.give(organisation, group)

    def submit(one: IndicatorInput, other: IndicatorInput) -> bool:
        """Whether anybody is told of the two."""
        for organisation, indicator in zip(organisations, (one, other), strict=True):
            factories.submit(organisation, group, match=True, indicators=[indicator])
        return Match.objects.exists()

    return submit


@pytest.mark.parametrize(("bits", "found"), [(10, True), (11, False)])
def test_a_lowered_threshold_counts_to_the_bit(pair: Any, bits: int, found: bool) -> None:
    lower("pdq", 10)
    pdq = picture(random.Random(1))
    near = flipped(random.Random(2), pdq, bits)
    assert pair(IndicatorInput("pdq", pdq), IndicatorInput("pdq", near)) is found
    if found:
        evidence = Match.objects.all()[0].evidence
        assert [(item["distance"], item["threshold"]) for item in evidence] == [(10, 10)]


def test_at_nought_equal_hashes_match_still(pair: Any) -> None:
    lower("phash", 0)
    assert pair(IndicatorInput("phash", "d1d1b0e2c7a43b5a"), IndicatorInput("phash", "d1d1b0e2c7a43b5a"))


def test_frames_of_videos_have_their_own(pair: Any) -> None:
    lower("pdq", 0)
    dice = random.Random(3)
    frames = video(dice, 10)
    near = [{**frame, "hash": flipped(dice, frame["hash"], 20)} for frame in frames]
    assert pair(IndicatorInput("vpdq", frames), IndicatorInput("vpdq", near))
    Match.objects.all().delete()
    lower("vpdq_frame", 19)
    match_signals(list(Match.signal.field.related_model.objects.values_list("pk", flat=True)))
    assert not Match.objects.exists()


def test_every_type_has_one_and_default_is_what_nobody_set() -> None:
    assert thresholds() == {
        **{name: default_of(name) for name in (*signal_types.NAMES, *signal_types.NEAR)},
        "vpdq": 99,
    }
    lower("dhash", 3)
    assert (thresholds()["dhash"], thresholds()["phash"]) == (3, 8)
    lower("dhash", default_of("dhash"), "The trial ended.")
    assert thresholds()["dhash"] == 8


def test_what_the_index_can_not_answer_is_not_asked() -> None:
    NearThreshold.objects.create(signal_type="pdq", threshold=200, reason="Around the service.")
    assert thresholds()["pdq"] == 31


def test_one_query_for_a_piece_of_work_of_any_size(pair: Any) -> None:
    dice = random.Random(4)
    pdq = picture(dice)
    pair(IndicatorInput("pdq", pdq), IndicatorInput("pdq", pdq))
    with CaptureQueriesContext(connection) as captured:
        match_signals(list(Match.objects.values_list("signal", flat=True)))
    assert sum("sharing_nearthreshold" in query["sql"] for query in captured) == 1


@pytest.mark.parametrize(
    ("signal_type", "threshold", "reason", "path"),
    [
        ("pdq", 32, "Why not.", "/threshold"),
        ("pdq", -1, "Why not.", "/threshold"),
        ("dhash", 9, "Why not.", "/threshold"),
        ("md5", 1, "Why not.", "/signal_type"),
        ("nonsense", 1, "Why not.", "/signal_type"),
        ("pdq", 20, " ", "/reason"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(signal_type: str, threshold: int, reason: str, path: str) -> None:
    with pytest.raises(Invalid) as refused:
        lower(signal_type, threshold, reason)
    assert [problem.path for problem in refused.value.problems] == [path]
    assert not NearThreshold.objects.exists()
    assert not AuditEntry.objects.filter(action="threshold.set").exists()


def test_only_an_administrator_of_the_hub_sets_one() -> None:
    member = factories.actor_for(factories.make_organisation())
    with pytest.raises(NotPermitted):
        set_threshold(actor=member, signal_type="pdq", threshold=1, reason="Mine.")


def test_the_database_wants_a_reason_too() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        NearThreshold.objects.create(signal_type="pdq", threshold=1, reason="")


@pytest.mark.parametrize(("changed", "held"), [("pdq", "pdq"), ("vpdq_frame", "vpdq")])
def test_a_changed_threshold_has_stored_signals_matched_again(changed: str, held: str) -> None:
    lower(changed, 20, "Too many false ones.")
    (rematch,) = Rematch.objects.all()
    assert (rematch.cause, rematch.signal_type, rematch.reason) == ("threshold", held, "Too many false ones.")
    # The same threshold for another reason changes nothing that is told.
    lower(changed, 20, "Still too many.")
    assert Rematch.objects.count() == 1
