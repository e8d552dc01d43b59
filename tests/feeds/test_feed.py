"""The feed through the API: what comes, what goes, and what is never told."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Organisation
from sharing.visibility.models import SharingGroup
from tests import factories
from tests.feeds.copy import Copy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def group() -> SharingGroup:
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


def copy_of(organisation: Organisation, **query: Any) -> Copy:
    return Copy(factories.make_client(organisation)[1], query)


def test_a_first_reading_has_all_that_is_visible_as_one_signal_is_shown(
    alpha: Organisation, beta: Organisation, group: SharingGroup, client: Client
) -> None:
    shown = [factories.submit(alpha, group, summary=f"Signal {number}") for number in range(3)]
    factories.submit(alpha, factories_other_group(alpha))
    copy = copy_of(beta)
    assert copy.changes() == {str(signal.uuid): "upsert" for signal in shown}
    for signal in shown:
        one = client.get(f"/api/v1/signals/{signal.uuid}", headers={"Authorization": f"Bearer {copy.key}"}).json()
        assert copy.signals[str(signal.uuid)] == one
    assert copy.changes() == {}


def factories_other_group(alpha: Organisation) -> SharingGroup:
    other = factories.make_group("other")
    factories.give(alpha, other)
    return other
