"""The demo's story: its pictures are alike and unlike enough, and what it expects follows from who may see what."""

from __future__ import annotations

from itertools import combinations, product

from hub.launcher.main_job import _in_words, _percentiles
from hub.launcher.pictures import VARIANTS, scene
from hub.launcher.scenario import AGENCY, OUTSIDER, Plan, plan

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
    assert [s.body for s in plan("a-group").everything()] == [s.body for s in PLAN.everything()]


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


def test_percentiles_and_evidence_in_words() -> None:
    assert _percentiles([0.1] * 99 + [2.0]) == {"p50_ms": 100.0, "p95_ms": 100.0}
    assert _percentiles([]) == {"p50_ms": None, "p95_ms": None}
    near = {"type": "phash", "distance": 2, "threshold": 8}
    exact = {"type": "md5", "distance": 0, "threshold": 0}
    assert _in_words([near]) == "phash, 2 bits differ"
    assert _in_words([near, exact]) == "md5, identical"
