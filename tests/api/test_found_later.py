"""The list of matches, narrowed to what a re-matching found."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sharing.matching.models import Match, Rematch
from tests import factories

pytestmark = pytest.mark.django_db
MATCHES = "/api/v1/matches"


@pytest.fixture
def headers() -> dict[str, str]:
    """The key of a member with three matches, each found by a re-matching of its own."""
    group = factories.make_group()
    alpha, beta = factories.make_organisation("alpha"), factories.make_organisation("beta")
    for organisation in (alpha, beta):
        factories.give(organisation, group)
    for number in range(3):
        for organisation in (alpha, beta):
            factories.submit(organisation, group, match=True, indicators=[("md5", f"{number:032x}")])
    for match in Match.objects.filter(recipient=alpha):
        match.rematch = Rematch.objects.create(reason="A new rule.")
        match.save()
    return {"authorization": f"Bearer {factories.make_client(alpha)[1]}"}


@pytest.mark.parametrize(
    ("query", "path", "mend"),
    [
        ("rematch=x", "/rematch", "Use the `id` of a match's `rematch`."),
        ("found=later", "/found", "Use one of: submission, rematch."),
    ],
)
def test_a_filter_that_makes_no_sense_is_explained(
    client: Client, headers: dict[str, str], query: str, path: str, mend: str
) -> None:
    answer = client.get(f"{MATCHES}?{query}", headers=headers)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["path"], error["mend"]) == (400, path, mend)


def test_the_page_asks_as_often_for_many_as_for_few(client: Client, headers: dict[str, str]) -> None:
    counts = []
    for limit in (1, 1, 3):
        with CaptureQueriesContext(connection) as captured:
            assert len(client.get(f"{MATCHES}?limit={limit}", headers=headers).json()["results"]) == limit
        counts.append(len(captured))
    assert counts[1] == counts[2]
