"""What the tests of the API share."""

from __future__ import annotations

import pytest

from tests import factories


@pytest.fixture
def key(db: None) -> str:
    """A live key of alpha, which contributes to the group watch."""
    organisation = factories.make_organisation("alpha")
    factories.give(organisation, factories.make_group("watch"))
    return factories.make_client(organisation)[1]
