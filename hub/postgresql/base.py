"""Django's engine with a cheaper look at a kept connection, and with statements that are planned once (ground)."""

from __future__ import annotations

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base, operations
from django.db.backends.utils import CursorWrapper


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """For Django's log of queries, in tests and while debugging. Of a prepared statement there is the text only."""
        return super().last_executed_query(cursor, sql, params) or sql


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations

    def get_connection_params(self) -> dict[str, Any]:
        # From the first time on; it does not touch Django's own cursors, which bind parameters by themselves.
        return {**super().get_connection_params(), "prepare_threshold": 0}

    def init_connection_state(self) -> None:
        """Left to itself, PostgreSQL plans a prepared statement anew when it thinks that the parameters matter."""
        super().init_connection_state()
        with self.cursor() as cursor:
            cursor.execute("SET plan_cache_mode = force_generic_plan")

    def is_usable(self) -> bool:
        """Whether a kept connection still leads to the server, asked at the start of each request.

        A server that went away has closed the connection, and the socket is readable: only then is Django's own
        question, a round trip, worth asking. Silence says nothing about a network that swallows packets; no more would
        a question.
        """
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0) or super().is_usable()

    def prepared_cursor(self) -> CursorWrapper:
        """Like `cursor`; see hub.postgresql.prepared_cursor."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor: CursorWrapper = self._prepare_cursor(psycopg.Cursor(self.connection))  # type: ignore[attr-defined]
            return cursor
