"""What the tests of the feed share: alpha submits to the group watch, beta sees it."""

from __future__ import annotations

import time

import pytest

from accounts.models import Organisation
from sharing.feeds import position
from sharing.visibility.models import SharingGroup
from tests.members import alpha, group, member_of

__all__ = ["alpha", "group"]

_HOUR = position.hour_of(time.time())


@pytest.fixture(autouse=True)
def _one_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cursor moves on at the end of an hour; none ends in the midst of a test."""
    monkeypatch.setattr(position, "hour_of", lambda _now: _HOUR)


@pytest.fixture
def beta(group: SharingGroup) -> Organisation:
    return member_of("beta", group, "view")
