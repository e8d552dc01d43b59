"""Two members of one group, for the tests of several slices: their conftest takes these fixtures over by name."""

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
    return member_of("alpha", group)


@pytest.fixture
def beta(group: SharingGroup) -> Organisation:
    return member_of("beta", group)


def member_of(slug: str, group: SharingGroup, permission: str = "contribute") -> Organisation:
    organisation = factories.make_organisation(slug)
    factories.give(organisation, group, permission)
    return organisation
