"""Sums in the audit: nothing is written for each, everything is written in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import DataError, OperationalError, connection, transaction

from accounts.actor import Actor
from hub.audit import tallies
from hub.audit.models import AuditEntry
from hub.audit.tallies import MOST, tally, write_tallies
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _waits(settings: LazySettings) -> Iterator[None]:
    settings.AUDIT_TALLY_SECONDS = 3_600
    yield
    tallies._open.clear()


def details() -> list[dict[str, Any]]:
    return list(AuditEntry.objects.filter(action="looked").order_by("pk").values_list("detail", flat=True))


def member() -> Actor:
    return factories.actor_for(factories.make_organisation())


def test_a_sum_waits_and_is_written_once() -> None:
    one, other = member(), member()
    for items in (1, 500):
        tally(actor=one, action="looked", items=items)
    tally(actor=other, action="looked", items=3)
    assert details() == []
    write_tallies()
    write_tallies()
    written = AuditEntry.objects.filter(action="looked")
    assert {entry.organisation_id: entry.detail for entry in written} == {
        one.organisation_id: {"requests": 2, "items": 501},
        other.organisation_id: {"requests": 1, "items": 3},
    }


def test_a_full_sum_does_not_wait() -> None:
    actor = member()
    tally(actor=actor, action="looked", items=MOST - 1)
    assert details() == []
    tally(actor=actor, action="looked", items=1)
    assert details() == [{"requests": 2, "items": MOST}]
    write_tallies()
    assert len(details()) == 1


def test_what_the_database_does_not_take_waits_on() -> None:
    actor = member()
    tally(actor=actor, action="looked", items=2)

    def away(execute: Callable[..., Any], *_: Any) -> Any:
        raise OperationalError

    with transaction.atomic(), connection.execute_wrapper(away):
        write_tallies()
        transaction.set_rollback(True)
    tally(actor=actor, action="looked", items=1)
    write_tallies()
    assert details() == [{"requests": 2, "items": 3}]


def test_a_sum_that_is_refused_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    before, refused, after = member(), member(), member()
    for actor in (before, refused, after):
        tally(actor=actor, action="looked", items=2)
    record = tallies.record

    def picky(*, actor: Actor, **entry: Any) -> None:
        record(actor=actor, **entry)
        if actor is refused:
            raise DataError

    monkeypatch.setattr(tallies, "record", picky)
    write_tallies()
    written = AuditEntry.objects.filter(action="looked").values_list("organisation_id", flat=True)
    assert set(written) == {before.organisation_id, after.organisation_id}
    monkeypatch.undo()
    tally(actor=refused, action="looked", items=1)
    write_tallies()
    entry = AuditEntry.objects.get(organisation_id=refused.organisation_id)
    assert entry.detail == {"requests": 2, "items": 3}


def test_the_longest_names_fit_into_the_audit() -> None:
    organisation = factories.make_organisation(name="o" * 200)
    factories.make_client(organisation, name="c" * 100)
    actor = factories.actor_for(organisation)
    tally(actor=actor, action="looked", items=1)
    write_tallies()
    assert AuditEntry.objects.get(action="looked").actor == f"{'c' * 100} ({'o' * 200})"
