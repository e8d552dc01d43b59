"""Floods of videos: by the holders of a video and of its copies, not by the frames that it shares with others."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import Organisation
from sharing.matching.floods.models import Flood
from sharing.matching.floods.selectors import floods_page
from sharing.matching.models import Match
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from tests import factories
from tests.videos import flipped, picture

pytestmark = pytest.mark.django_db
LIMIT = 4
FRAMES = 10


@pytest.fixture(autouse=True)
def _limit(settings: LazySettings) -> None:
    settings.MATCH_FLOOD_LIMIT = LIMIT


@pytest.fixture
def dice() -> random.Random:
    return random.Random(21)


@pytest.fixture
def members() -> tuple[SharingGroup, list[Organisation]]:
    group, organisations = factories.make_group("watch"), [factories.make_organisation() for _ in range(2)]
    for organisation in organisations:
        factories.give(organisation, group)
    return group, organisations


def submit(members: Any, number: int, hashes: list[str], *groups: SharingGroup) -> Signal:
    group, organisations = members
    frames = [{"hash": pdq, "quality": 90, "timestamp": float(at)} for at, pdq in enumerate(hashes)]
    return factories.submit(organisations[number % 2], group, *groups, match=True, indicators=[("vpdq", frames)])


def notices(organisation: Organisation) -> list[Any]:
    return floods_page(factories.actor_for(organisation))


@pytest.mark.parametrize("bits", [0, 8], ids=["the same", "copies"])
def test_a_video_that_very_many_share_is_summarised(members: Any, dice: random.Random, bits: int) -> None:
    film = [picture(dice) for _ in range(FRAMES)]
    signals = [submit(members, n, [flipped(dice, pdq, bits) for pdq in film]) for n in range(LIMIT + 4)]
    assert Flood.objects.get().centre.signal_type == "vpdq"
    assert set(Match.objects.values_list("signal", flat=True)) == {signal.pk for signal in signals[1:LIMIT]}
    for organisation in members[1]:
        (view,) = notices(organisation)
        assert (view.notice.told, view.signals[0]) == (4, signals[-1])


def test_a_frame_that_very_many_videos_show_makes_no_flood(members: Any, dice: random.Random) -> None:
    """An end card in each of them. Two that are the same beside it are told as ever."""
    end_card = picture(dice)
    films = [[*(picture(dice) for _ in range(FRAMES - 1)), end_card] for _ in range(LIMIT + 4)]
    for number, film in enumerate(films):
        submit(members, number, film)
    assert not Match.objects.exists()
    copy = submit(members, 1, [flipped(dice, pdq, 8) for pdq in films[0]])
    assert set(Match.objects.values_list("signal", "related_count")) == {(copy.pk, 1)}
    assert not Flood.objects.exists()


def test_a_group_that_asks_for_less_makes_no_flood_for_others(members: Any, dice: random.Random) -> None:
    """All share three frames of ten, which is enough in a group that somebody else has."""
    factories.make_group("loose", video_query_share=20, video_stored_share=20)
    trailer = [picture(dice) for _ in range(3)]
    films = [[*(picture(dice) for _ in range(FRAMES - 3)), *trailer] for _ in range(LIMIT + 4)]
    for number, film in enumerate(films):
        submit(members, number, film)
    copy = submit(members, 1, [flipped(dice, pdq, 8) for pdq in films[0]])
    assert not Flood.objects.exists()
    assert set(Match.objects.values_list("signal", "related_count")) == {(copy.pk, 1)}
