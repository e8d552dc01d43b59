"""The audit can be added to, and nothing else."""

from __future__ import annotations

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction

from hub.audit.models import AuditEntry
from hub.audit.services import record
from tests import factories

pytestmark = pytest.mark.django_db
REFUSED = (ProgrammingError, InternalError)


def test_the_database_refuses_changes_and_deletions() -> None:
    record(actor=factories.make_operator(), action="test.done", object_type="thing", object_id=7, reason="Because.")
    entry = AuditEntry.objects.get(action="test.done")
    with pytest.raises(REFUSED, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(reason="Another.")
    with pytest.raises(REFUSED, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).delete()
    with pytest.raises(REFUSED, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_auditentry")
    assert AuditEntry.objects.get(pk=entry.pk).reason == "Because."


def test_an_entry_says_who_what_and_from_where() -> None:
    user = factories.make_user(factories.make_organisation("alpha"), name="Ada")
    actor = factories.actor_of_user(user, address="203.0.113.9")
    record(actor=actor, action="test.done", count=3)
    entry = AuditEntry.objects.get(action="test.done")
    assert (entry.organisation_id, entry.user_id, entry.client_id) == (user.organisation_id, user.pk, None)
    assert (entry.actor, entry.address, entry.detail) == ("Ada (Alpha)", "203.0.113.9", {"count": 3})
