"""What is summarised stands above the inbox, and leads to all signals."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from tests import factories
from tests.portal.conftest import Scene, SignIn

MD5 = "900150983cd24fb0d6963f7d28e17f72"


@pytest.fixture
def flooded(scene: Scene, settings: LazySettings) -> None:
    settings.MATCH_FLOOD_LIMIT = 3
    for number in range(7):
        organisation = (scene.alpha, scene.beta)[number % 2]
        factories.submit(organisation, scene.group, match=True, indicators=[("md5", MD5)])


def test_the_inbox_begins_with_what_is_summarised(flooded: None, ana: Client) -> None:
    page = ana.get("/matches").content.decode()
    assert "Summarised" in page
    assert "MD5 of a file" in page
    assert f'<a href="/signals?text={MD5}">4 signals</a>' in page
    assert page.count('class="unreviewed"') == 2


@pytest.mark.parametrize("address", ["/matches?verdict=disputed", "/matches?harm=other"])
def test_a_narrowed_inbox_holds_matches_only(flooded: None, ana: Client, address: str) -> None:
    assert "Summarised" not in ana.get(address).content.decode()


def test_who_sees_nothing_of_it_reads_nothing_of_it(flooded: None, scene: Scene, sign_in: SignIn) -> None:
    page = sign_in(factories.make_user(scene.gamma)).get("/matches").content.decode()
    assert "Summarised" not in page
