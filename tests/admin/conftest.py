"""An administrator at the admin's pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actor import Actor
from tests import factories


@pytest.fixture
def operator(db: None) -> Actor:
    return factories.make_operator()


@pytest.fixture
def admin(client: Client, operator: Actor) -> Client:
    """A client signed in as an administrator of the hub."""
    assert operator.user is not None
    client.force_login(operator.user)
    return client


@pytest.fixture
def queries(admin: Client) -> Callable[[str], int]:
    """How many queries a page takes."""
    # Read once in the life of a process, and in a test only when none before it has.
    ContentType.objects.get_for_models(*apps.get_models())

    def count(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            response = admin.get(address)
        assert response.status_code == 200, address
        return len(captured)

    return count
