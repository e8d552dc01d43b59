"""To who never could see a signal, the feed never says that it was there.

In a random history, one deed after the other, everything that each reader can see at any moment is noted. A removal
must be of something that was in that reader's sight since it began to read. In the end its copy is exact.
"""

from __future__ import annotations

import os
import random

import pytest
from django.conf import LazySettings

from sharing.feeds.services import note_expired
from sharing.signals.models import Signal
from tests.feeds.copy import Copy
from tests.feeds.world import World

DEEDS = 120

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 130 if os.environ.get("HUB_LONG") else 102))
def test_only_what_was_in_sight_is_taken_away(seed: int, settings: LazySettings) -> None:
    settings.API_ANONYMOUS_RATE_PER_MINUTE = settings.API_RATE_PER_MINUTE = 1_000_000
    dice = random.Random(seed)
    # What expires by the clock may do so before it is noted that it was in sight.
    world = World.made(dice, by_the_clock=False)
    copies = {reader.pk: Copy(world.keys[reader.slug], {"limit": 50}) for reader in world.readers}
    seen: dict[int, set[str]] = {reader.pk: set() for reader in world.readers}
    removed = 0
    for _ in range(DEEDS):
        world.act(dice)
        for reader in world.readers:
            sight = Signal.objects.visible_to(world.actor(reader)).values_list("uuid", flat=True)
            if copies[reader.pk].cursor:
                seen[reader.pk] |= {str(uuid) for uuid in sight}
            if dice.random() < 0.2 and copies[reader.pk].ask().status_code == 200:
                began = not copies[reader.pk].cursor
                told = copies[reader.pk].changes()
                seen[reader.pk] |= {str(uuid) for uuid in sight if began}
                gone = {uuid for uuid, reason in told.items() if reason != "upsert"}
                assert gone <= seen[reader.pk]
                removed += len(gone)
    assert removed > 5
    world.let_all_in()
    note_expired()
    for reader in world.readers:
        copies[reader.pk].sync()
        assert copies[reader.pk].signals == world.expected(reader)
