"""The list of flood notices: its fields and its pages."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import Scope
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_member_reads_its_notices_page_by_page(client: Client, settings: LazySettings) -> None:
    settings.MATCH_FLOOD_LIMIT = 2
    group = factories.make_group()
    alpha, beta = factories.make_organisation(), factories.make_organisation()
    for organisation in (alpha, beta):
        factories.give(organisation, group)
    hashes = [f"{number:032x}" for number in (1, 2, 3)]
    last = [
        factories.submit((alpha, beta)[turn % 2], group, match=True, indicators=[("md5", value)])
        for value in hashes
        for turn in range(4)
    ][-1]
    headers = {"Authorization": f"Bearer {factories.make_client(alpha)[1]}"}
    first = client.get("/api/v1/floods?limit=2", headers=headers).json()
    assert [row["indicator"] for row in first["results"]] == [hashes[2], hashes[1]]
    row = first["results"][0]
    assert row.keys() == {"id", "type", "indicator", "signals", "newest", "created_at", "updated_at"}
    assert (row["type"], row["signals"], row["newest"][0], len(row["newest"])) == ("md5", 2, str(last.uuid), 4)
    second = client.get(first["next"], headers=headers).json()
    assert [row["indicator"] for row in second["results"]] == [hashes[0]]
    assert second["next"] is None


def test_it_needs_the_scope_of_matches(client: Client) -> None:
    organisation = factories.make_organisation()
    key = factories.make_client(organisation, scopes=[Scope.READ_SIGNALS])[1]
    assert client.get("/api/v1/floods", headers={"Authorization": f"Bearer {key}"}).status_code == 403
