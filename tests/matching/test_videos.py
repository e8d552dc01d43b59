"""Videos: which pairs are found, who is told of them, and with what evidence."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from accounts.models import Organisation
from sharing.matching import video as video_module
from sharing.matching.models import Match
from sharing.matching.selectors import MatchFilters, matches_page
from sharing.matching.services import match_signals
from sharing.matching.shares import DEFAULT, Enough, Shares, thresholds_in_use
from sharing.matching.video import video_neighbours
from sharing.signal_types import distance
from sharing.signals.frames import VideoFrame
from sharing.signals.indicators import Indicator
from sharing.signals.inputs import IndicatorInput
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from tests import factories
from tests.videos import flipped, frames_of, picture, video

pytestmark = pytest.mark.django_db
THRESHOLD = 31


def vpdq(frames: list[Any]) -> IndicatorInput:
    return IndicatorInput("vpdq", frames)


def copy_of(dice: random.Random, frames: list[dict[str, Any]], bits: int = 20) -> list[dict[str, Any]]:
    """The same video after compression: some bits of every frame differ."""
    return [{**frame, "hash": flipped(dice, frame["hash"], bits)} for frame in frames]


@pytest.fixture
def dice() -> random.Random:
    return random.Random(20)


@pytest.fixture
def members() -> Any:
    """alpha and beta contribute to one group, the agency views it."""
    group = factories.make_group("watch")
    organisations = {slug: factories.make_organisation(slug) for slug in ("alpha", "beta", "agency")}
    for slug, permission in (("alpha", "contribute"), ("beta", "contribute"), ("agency", "view")):
        factories.give(organisations[slug], group, permission)
    return group, organisations


def told(organisation: Organisation) -> list[Any]:
    return matches_page(factories.actor_for(organisation), MatchFilters())


def evidence_between(members: Any, known: list[Any], new: list[Any]) -> Any:
    """What the agency is shown of the pair; None when it is told nothing."""
    group, organisations = members
    factories.submit(organisations["alpha"], group, match=True, indicators=[vpdq(known)])
    factories.submit(organisations["beta"], group, match=True, indicators=[vpdq(new)])
    views = told(organisations["agency"])
    if not views:
        return None
    ((evidence,),) = [related.evidence for related in views[0].related]
    return evidence


def test_a_compressed_copy_is_found_with_both_shares(members: Any, dice: random.Random) -> None:
    frames = video(dice, 40)
    evidence = evidence_between(members, frames, copy_of(dice, frames))
    shown = evidence.video
    assert (shown.frames, shown.matched, shown.percent) == (40, 40, 100)
    assert (shown.related_frames, shown.related_matched, shown.related_percent) == (40, 40, 100)
    assert (shown.enough, shown.related_enough) == (80, 80)
    assert (evidence.type, evidence.distance) == ("vpdq", 1), "near in every frame is not yet the same video"
    assert 0.99 <= evidence.term.value < 1


@pytest.mark.parametrize(("kept", "found"), [(80, True), (79, False)])
def test_a_trimmed_copy_is_found_down_to_the_share(members: Any, dice: random.Random, kept: int, found: bool) -> None:
    frames = video(dice, 100)
    evidence = evidence_between(members, frames, copy_of(dice, frames[:kept]))
    assert (evidence is not None) is found
    if evidence is not None:
        assert (evidence.video.percent, evidence.video.related_percent) == (100, 80)
        assert evidence.term.value == pytest.approx(0.9)


@pytest.mark.parametrize(("added", "found"), [(10, True), (11, False)])
def test_a_copy_with_other_scenes_added(members: Any, dice: random.Random, added: int, found: bool) -> None:
    frames = video(dice, 40)
    longer = [*copy_of(dice, frames), *frames_of([picture(dice) for _ in range(added)])]
    assert (evidence_between(members, frames, longer) is not None) is found


def test_the_other_order_of_submission_gives_the_same_pair(members: Any, dice: random.Random) -> None:
    frames = video(dice, 50)
    short = copy_of(dice, frames[:41])
    evidence = evidence_between(members, short, frames)
    assert (evidence.video.percent, evidence.video.related_percent) == (82, 100)


def test_a_sped_up_copy_of_slow_scenes_is_found(members: Any, dice: random.Random) -> None:
    """Each scene lasts three frames that hardly differ; the copy shows each for one."""
    scenes = [picture(dice) for _ in range(30)]
    slow = frames_of([flipped(dice, scene, bits) for scene in scenes for bits in (0, 3, 7)])
    fast = frames_of([flipped(dice, scene, 12) for scene in scenes])
    evidence = evidence_between(members, slow, fast)
    assert (evidence.video.frames, evidence.video.related_frames) == (30, 30)
    assert evidence.video.related_percent == 100


def test_black_and_poor_frames_match_nothing(members: Any, dice: random.Random) -> None:
    black = frames_of(["0" * 64, "0" * 63 + "1"])
    poor = frames_of([picture(dice)] * 5, quality=20)
    assert evidence_between(members, [*video(dice, 3), *black, *poor], [*video(dice, 3), *black, *poor]) is None


def test_one_picture_repeated_is_one_frame(members: Any, dice: random.Random) -> None:
    still = picture(dice)
    evidence = evidence_between(members, frames_of([still] * 200), frames_of([still] * 3))
    assert (evidence.distance, evidence.term.value) == (0, 1.0), "the same frames are the same video"
    assert (evidence.video.frames, evidence.video.related_frames) == (1, 1)


def test_a_picture_does_not_match_a_video_that_shows_it(members: Any, dice: random.Random) -> None:
    group, organisations = members
    frames = video(dice, 1)
    factories.submit(organisations["alpha"], group, indicators=[vpdq(frames)])
    factories.submit(organisations["beta"], group, match=True, indicators=[("pdq", frames[0]["hash"])])
    assert not Match.objects.exists()


def test_frames_are_stored_once_and_the_same_video_is_one_indicator(members: Any, dice: random.Random) -> None:
    group, organisations = members
    frames = video(dice, 12)
    for slug in ("alpha", "beta"):
        factories.submit(organisations[slug], group, indicators=[vpdq(frames)])
    factories.submit(organisations["beta"], group, indicators=[vpdq([*frames[:6], *video(dice, 1)])])
    assert Indicator.objects.filter(signal_type="vpdq").count() == 2
    assert Indicator.objects.filter(signal_type="vpdq_frame").count() == 13
    assert VideoFrame.objects.count() == 12 + 7
    assert not Signal.objects.filter(indicators__signal_type="vpdq_frame").exists()


# --- Thresholds of sharing groups ---


def test_a_group_may_ask_for_less_and_only_who_sees_through_it_is_told(members: Any, dice: random.Random) -> None:
    group, organisations = members
    clips = factories.make_group("clips", video_query_share=80, video_stored_share=10)
    for slug in ("alpha", "agency"):
        factories.give(organisations[slug], clips)
    film = video(dice, 100)
    factories.submit(organisations["alpha"], group, clips, indicators=[vpdq(film)])
    clip = copy_of(dice, film[30:42])
    factories.submit(organisations["beta"], group, match=True, indicators=[vpdq(clip)])
    # Beta sees the film through the stricter group only.
    assert set(Match.objects.values_list("recipient__slug", flat=True)) == {"alpha", "agency"}
    ((evidence,),) = [related.evidence for related in told(organisations["agency"])[0].related]
    assert (evidence.video.percent, evidence.video.related_percent) == (100, 12)
    assert (evidence.video.enough, evidence.video.related_enough) == (80, 10)
    assert evidence.term.value == pytest.approx(0.56)


def test_the_strictest_thresholds_reached_are_shown(members: Any, dice: random.Random) -> None:
    group, organisations = members
    loose = factories.make_group("loose", video_query_share=20, video_stored_share=20)
    strict = factories.make_group("strict", video_query_share=95, video_stored_share=95)
    for slug in ("alpha", "agency"):
        for more in (loose, strict):
            factories.give(organisations[slug], more)
    frames = video(dice, 100)
    factories.submit(organisations["alpha"], group, loose, strict, indicators=[vpdq(frames)])
    factories.submit(organisations["beta"], group, match=True, indicators=[vpdq(copy_of(dice, frames[:90]))])
    ((evidence,),) = [related.evidence for related in told(organisations["agency"])[0].related]
    assert (evidence.video.enough, evidence.video.related_enough) == (80, 80)


def test_by_name_the_default_counts(members: Any, dice: random.Random) -> None:
    group, organisations = members
    SharingGroup.objects.update(video_query_share=20, video_stored_share=20)
    frames = video(dice, 20)
    named = {"named_organisations": ("agency",), "tlp": "RED"}
    factories.submit(organisations["alpha"], indicators=[vpdq(frames)], **named)
    half = copy_of(dice, frames[:10])
    factories.submit(organisations["beta"], group, match=True, indicators=[vpdq(half)])
    assert not Match.objects.exists()
    factories.submit(organisations["beta"], group, match=True, indicators=[vpdq(copy_of(dice, frames[:16]))])
    assert set(Match.objects.values_list("recipient__slug", flat=True)) == {"alpha", "agency"}


def test_another_shared_hash_is_told_whatever_the_shares(members: Any, dice: random.Random) -> None:
    group, organisations = members
    frames, md5 = video(dice, 20), ("md5", "900150983cd24fb0d6963f7d28e17f72")
    factories.submit(organisations["alpha"], group, indicators=[vpdq(frames), md5])
    factories.submit(organisations["beta"], group, match=True, indicators=[vpdq(frames[:10]), md5])
    (view,) = told(organisations["agency"])
    assert [evidence.type for evidence in view.related[0].evidence] == ["md5"]


def test_closed_groups_set_nothing() -> None:
    factories.make_group(video_query_share=30)
    factories.make_group(video_query_share=5, status="closed")
    assert thresholds_in_use() == (Enough(30, 80), DEFAULT)


# --- Exactly, and bounded ---


def stored(frames: list[dict[str, Any]]) -> int:
    """Store a video and give its indicator's id."""
    group = SharingGroup.objects.filter(slug="all").first() or factories.make_group("all")
    organisation = Organisation.objects.filter(slug="one").first() or factories.make_organisation("one")
    factories.give(organisation, group)
    signal = factories.submit(organisation, group, indicators=[vpdq(frames)])
    return int(signal.indicator_links.get().indicator_id)


def counted_by_hand(one: int, other: int) -> Shares:
    def hashes(video_id: int) -> list[bytes]:
        return [
            bytes(value) for value in VideoFrame.objects.filter(video=video_id).values_list("frame__value", flat=True)
        ]

    mine, theirs = hashes(one), hashes(other)
    return Shares(
        len(mine),
        sum(any(distance(a, b) <= THRESHOLD for b in theirs) for a in mine),
        len(theirs),
        sum(any(distance(a, b) <= THRESHOLD for a in mine) for b in theirs),
    )


@runs(max_examples=25, database=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    scenes=st.integers(3, 12),
    videos=st.integers(2, 7),
    in_use=st.lists(st.builds(Enough, st.integers(1, 100), st.integers(1, 100)), min_size=1, max_size=3),
    holders=st.sampled_from([2, 1_000]),
)
def test_what_is_found_is_what_counting_by_hand_finds(
    seed: int, scenes: int, videos: int, in_use: list[Enough], holders: int
) -> None:
    dice = random.Random(seed)
    pool = [picture(dice) for _ in range(scenes)]

    def made() -> list[dict[str, Any]]:
        shown = dice.choices(pool, k=dice.randrange(1, 2 * scenes))
        return frames_of([flipped(dice, pdq, dice.randrange(0, 36)) for pdq in shown])

    ids = sorted({stored(made()) for _ in range(videos)})
    with pytest.MonkeyPatch.context() as patch:
        # With few holders allowed the newest may be all that is nominated; what is found must still be true.
        patch.setattr(video_module, "MAX_HOLDERS", holders)
        patch.setattr(video_module, "FRAMES_AT_ONCE", 10)
        patch.setattr(video_module, "QUERIES_AT_ONCE", 3)
        patch.setattr(video_module, "CANDIDATES_AT_ONCE", 2)
        found = video_neighbours(ids, THRESHOLD, in_use)
    everybody = list(Indicator.objects.filter(signal_type="vpdq").values_list("pk", flat=True))
    for one in ids:
        shares = {other: counted_by_hand(one, other) for other in everybody}
        expected = {
            other: counted for other, counted in shares.items() if any(counted.reach(enough) for enough in in_use)
        }
        got = {neighbour.indicator_id: neighbour.shares for neighbour in found[one]}
        if holders == 2:
            assert got.items() <= expected.items()
            assert one in got
        else:
            assert got == expected
    if holders > 2 and all(enough.query == enough.stored for enough in in_use):
        pairs = {(one, other.indicator_id) for one in ids for other in found[one] if other.indicator_id in ids}
        assert pairs == {(other, one) for one, other in pairs}


def test_an_end_card_in_every_video_nominates_nobody(dice: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    card = picture(dice)
    films = [[*video(dice, 9), *frames_of([flipped(dice, card, 2)])] for _ in range(12)]
    ids = [stored(film) for film in films]
    copy = stored(copy_of(dice, films[0]))
    looked_at: list[int] = []
    honest = video_module._shared
    monkeypatch.setattr(
        video_module,
        "_shared",
        lambda candidates, frames: (looked_at.extend(candidates), honest(candidates, frames))[1],
    )
    (found,) = video_neighbours([copy], THRESHOLD, [DEFAULT]).values()
    assert {neighbour.indicator_id for neighbour in found} == {copy, ids[0]}
    assert set(looked_at) == {copy, ids[0]}
    # It counts all the same when shares are worked out.
    assert all(neighbour.shares.matched == 10 for neighbour in found)


def test_of_a_clip_in_too_many_versions_the_newest_are_found(
    dice: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_module, "MAX_HOLDERS", 5)
    clip = video(dice, 10)
    versions = [stored([*clip, *video(dice, 1)]) for _ in range(12)]
    newest = stored(clip)
    (found,) = video_neighbours([newest], THRESHOLD, [DEFAULT]).values()
    assert {neighbour.indicator_id for neighbour in found} == {newest, *versions[-4:]}


def test_many_videos_are_no_more_queries_than_one(members: Any, dice: random.Random) -> None:
    group, organisations = members
    films = [video(dice, 6) for _ in range(10)]
    for film in films:
        factories.submit(organisations["alpha"], group, indicators=[vpdq(film)])
    new = [factories.submit(organisations["beta"], group, indicators=[vpdq(copy_of(dice, film))]).pk for film in films]

    def queries(signal_ids: list[int]) -> int:
        with CaptureQueriesContext(connection) as captured:
            match_signals(signal_ids)
        return len(captured)

    assert queries(new[:1]) == queries(new[1:])
    assert Match.objects.count() == 3 * len(films)
