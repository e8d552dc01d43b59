"""Two who submit the same new videos at the same moment: each frame is stored once, and nobody waits for ever."""

from __future__ import annotations

import random
from threading import Barrier, Thread

import pytest
from django.db import Error, connection

from accounts.models import Organisation
from sharing.signals.frames import VideoFrame
from sharing.signals.indicators import Indicator
from sharing.signals.inputs import IndicatorInput, SignalInput
from sharing.signals.models import SignalIndicator
from sharing.signals.services import submit_signals
from tests import factories
from tests.videos import video

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_same_videos_at_the_same_moment() -> None:
    group = factories.make_group()
    members = [factories.make_organisation() for _ in range(3)]
    for organisation in members:
        factories.give(organisation, group)
    dice = random.Random(1)
    common = video(dice, 20)
    videos = [[*common, *video(dice, 20)] for _ in range(6)]
    items = [factories.signal_input(group, indicators=[IndicatorInput("vpdq", frames)]) for frames in videos]
    errors: list[Error] = []
    start = Barrier(len(members))

    def submit(organisation: Organisation, rows: list[SignalInput]) -> None:
        try:
            actor = factories.actor_for(organisation)
            start.wait(10)
            submit_signals(actor=actor, items=rows)
        except Error as error:
            errors.append(error)
        finally:
            connection.close()

    orders = (items, items[::-1], dice.sample(items, len(items)))
    threads = [Thread(target=submit, args=pair) for pair in zip(members, orders, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert SignalIndicator.objects.count() == len(members) * len(videos)
    assert Indicator.objects.filter(signal_type="vpdq").count() == len(videos)
    assert Indicator.objects.filter(signal_type="vpdq_frame").count() == 20 + 20 * len(videos)
    assert VideoFrame.objects.count() == 40 * len(videos)
