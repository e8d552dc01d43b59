"""The demo's story: its pictures are alike and unlike enough, and what it expects follows from who may see what."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from hub.launcher.demo import _passed
from hub.launcher.inbox import in_words
from hub.launcher.pictures import VARIANTS, indicators, scene
from hub.launcher.report import OF_AN_EARLIER_START, SUBMITTED, percentiles
from hub.launcher.scenario import AGENCY, OUTSIDER, Plan, plan
from hub.launcher.scenario import VARIANTS as NAMES
from hub.launcher.screen import summary

THRESHOLD = 8
PLAN: Plan = plan("a-group")


def near_hashes(number: int) -> list[dict[str, int]]:
    pictures = (variant(scene(number)).indicators() for variant in VARIANTS.values())
    return [
        {hash_["type"]: int(hash_["value"], 16) for hash_ in hashes if hash_["type"] in ("phash", "dhash")}
        for hashes in pictures
    ]


def test_variants_of_one_picture_are_well_within_the_threshold_and_other_pictures_well_outside() -> None:
    numbers = sorted(
        {int(submission.story.split()[1]) for submission in PLAN.everything() if submission.story.startswith("picture")}
    )
    hashes = {number: near_hashes(number) for number in numbers}
    for number in numbers:
        for one, other in combinations(hashes[number], 2):
            assert all((one[kind] ^ other[kind]).bit_count() <= THRESHOLD // 2 for kind in one)
    for first, second in combinations(numbers, 2):
        for one, other in product(hashes[first], hashes[second]):
            assert all((one[kind] ^ other[kind]).bit_count() > THRESHOLD + 2 for kind in one)


def test_the_same_story_is_drawn_every_time() -> None:
    def bodies(story: Plan) -> list[dict[str, object]]:
        return [submission.drawn(indicators) for submission in story.everything()]

    assert bodies(plan("a-group")) == bodies(PLAN)
    assert tuple(VARIANTS) == NAMES


def test_references_are_unique_so_that_a_second_run_updates() -> None:
    references = [submission.reference for submission in PLAN.everything()]
    assert len(references) == len(set(references))


def test_only_who_sees_both_signals_is_told_and_the_outsider_never_is() -> None:
    by_reference = {submission.reference: submission for submission in PLAN.everything()}
    for recipient, pair in PLAN.expected:
        one, other = (by_reference[reference] for reference in pair)
        assert one.organisation != other.organisation
        assert recipient in one.seen_by()
        assert recipient in other.seen_by()
        assert recipient != OUTSIDER
    # Shown to the agency alone by two platforms that do not know of each other.
    secret = frozenset({"demo-alpha-picture-300", f"demo-{OUTSIDER}-picture-300"})
    assert {recipient for recipient, pair in PLAN.expected if pair == secret} == {AGENCY}


def test_percentiles_and_evidencein_words() -> None:
    assert percentiles([0.1] * 99 + [2.0]) == {"p50_ms": 100.0, "p95_ms": 100.0}
    assert percentiles([]) == {"p50_ms": None, "p95_ms": None}
    near = {"type": "phash", "distance": 2, "threshold": 8}
    exact = {"type": "md5", "distance": 0, "threshold": 0}
    assert in_words([near]) == "phash, 2 bits differ"
    assert in_words([{**near, "distance": 1}]) == "phash, 1 bit differs"
    assert in_words([near, exact]) == "md5, identical"


REPORT = {
    "submitted": 63,
    "matched": 85,
    "expected": 85,
    "unexpected": 0,
    "rows": [],
    "how": SUBMITTED,
    "obstacles": [],
    "p50_ms": None,
    "p95_ms": None,
    "try": {"type": "phash", "value": "0" * 16},
}
KEYS = {"organisations": {"alpha": {"api_key": "a"}, "beta": {"api_key": "b"}}, "group": "a-group", "users": []}


@pytest.mark.parametrize(
    ("differs", "said"),
    [
        ({}, "63 signals submitted; 85 of 85 expected matches told, 0 unexpected."),
        ({"unexpected": 2}, "63 signals submitted; 85 of 85 expected matches told, 2 unexpected."),
        ({"how": OF_AN_EARLIER_START}, "63 signals of an earlier start; 85 of 85 expected matches told."),
        (
            {"how": OF_AN_EARLIER_START, "unexpected": 28},
            "85 of 85 expected matches told, 28 more, because groups or signals were changed since.",
        ),
        ({"obstacles": ["beta takes no part."]}, "\nbeta takes no part.\n"),
    ],
)
def test_what_people_changed_since_the_first_start_is_told_without_alarm(differs: dict[str, object], said: str) -> None:
    assert said in summary({**REPORT, **differs}, KEYS, url="http://127.0.0.1:8000")


@pytest.mark.parametrize("differs", [{"matched": 84}, {"unexpected": 1}, {"obstacles": ["beta takes no part."]}])
def test_the_smoke_run_forgives_nothing(differs: dict[str, object]) -> None:
    assert _passed(REPORT)
    assert not _passed({**REPORT, **differs})
