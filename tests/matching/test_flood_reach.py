"""Counting who holds an indicator: what it reads grows with its holders, and not with all signals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sharing.matching.floods.reach import holders_up_to
from sharing.signals.indicators import Indicator
from tests import factories

pytestmark = pytest.mark.django_db
MANY = 3_000
# Signals with an indicator each, as an import leaves them before the database has gathered statistics.
IMPORTED = """
WITH signal AS (
    INSERT INTO sharing_signal (uuid, organisation_id, kind, harm, severity, confidence, tlp, subject_role, summary,
                                lawful_basis, retraction_reason, expires_at)
    SELECT gen_random_uuid(), %(organisation)s, 'content', 'people_smuggling', 'high', 50, 'AMBER', 'unknown', '', '',
           '', now() + interval '1 year' FROM generate_series(1, %(many)s) RETURNING id
), indicator AS (
    INSERT INTO sharing_indicator (signal_type, value, key_id)
    SELECT 'sha256', sha256(number::text::bytea), '' FROM generate_series(1, %(many)s) AS number RETURNING id
)
INSERT INTO sharing_signalindicator (signal_id, indicator_id)
SELECT one.id, other.id FROM (SELECT id, row_number() OVER () AS place FROM signal) AS one
  JOIN (SELECT id, row_number() OVER () AS place FROM indicator) AS other USING (place)
"""


def test_reads_only_the_signals_that_hold_the_indicator() -> None:
    organisation = factories.make_organisation("alpha")
    with connection.cursor() as cursor:
        cursor.execute(IMPORTED, {"organisation": organisation.pk, "many": MANY})
    asked = list(Indicator.objects.order_by("-pk").values_list("pk", flat=True)[:100])
    with CaptureQueriesContext(connection) as queries:
        held = holders_up_to(asked, 1_001)
    assert {len(signals) for signals in held.values()} == {1}
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {queries[0]['sql']}")
        (plan,) = cursor.fetchone()
    steps = list(steps_of((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))
    read = sum(
        step["Actual Rows"] * step["Actual Loops"] for step in steps if step["Relation Name"] == "sharing_signal"
    )
    assert read == len(asked)


def steps_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Relation Name" in plan:
        yield plan
    for inner in plan.get("Plans", ()):
        yield from steps_of(inner)
