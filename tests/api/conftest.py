"""What the tests of the API share."""

from __future__ import annotations

import pytest

from sharing.api import receiving
from tests import factories


@pytest.fixture
def key(db: None) -> str:
    """A live key of alpha, which contributes to the group watch."""
    organisation = factories.make_organisation("alpha")
    factories.give(organisation, factories.make_group("watch"))
    return factories.make_client(organisation)[1]


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of bulk uploads, so that a few lines are several of them."""
    monkeypatch.setattr(receiving, "PIECE_LINES", 3)
