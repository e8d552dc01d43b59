"""What the tests of the feed share: alpha submits to the group watch, beta sees it."""

from __future__ import annotations

import pytest

from accounts.models import Organisation
from sharing.visibility.models import SharingGroup
from tests import factories


@pytest.fixture
def group(db: None) -> SharingGroup:
    return factories.make_group("watch")


@pytest.fixture
def alpha(group: SharingGroup) -> Organisation:
    organisation = factories.make_organisation("alpha")
    factories.give(organisation, group)
    return organisation


@pytest.fixture
def beta(group: SharingGroup) -> Organisation:
    organisation = factories.make_organisation("beta")
    factories.give(organisation, group, "view")
    return organisation
