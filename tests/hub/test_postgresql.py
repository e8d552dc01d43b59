"""The hub's database engine: a kept connection is looked at for nothing, a hot statement is planned once."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection, transaction

from hub.postgresql import prepared_cursor

pytestmark = pytest.mark.django_db(transaction=True)


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_a_living_connection_is_usable_without_a_question() -> None:
    backend()
    questions = []

    def counted(execute, *rest):  # type: ignore[no-untyped-def]
        questions.append(rest)
        return execute(*rest)

    with connection.execute_wrapper(counted):
        assert connection.is_usable()
    assert questions == []


def test_one_that_the_server_has_closed_is_not() -> None:
    pid = backend()
    with psycopg.connect(connection.connection.info.dsn, password=connection.connection.info.password) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert not connection.is_usable()
    connection.close_if_unusable_or_obsolete()
    connection.close()
    assert backend() != pid


def test_a_statement_is_planned_once_for_all_parameters() -> None:
    with transaction.atomic():
        for number in (1, 2, 3):
            with prepared_cursor() as cursor:
                cursor.execute("SELECT %s::int + 1 AS planned_once", [number])
                assert cursor.fetchone() == (number + 1,)
        with connection.cursor() as plain:
            plain.execute(
                "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%planned_once%'"
            )
            assert plain.fetchall() == [(3, 0)]
