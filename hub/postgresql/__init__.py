"""PostgreSQL as the hub talks to it (ground): Django's engine with two additions. See base.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from django.db import connection

if TYPE_CHECKING:  # Django loads an engine by its package's name, before it can be imported whole
    from django.db.backends.utils import CursorWrapper
    from psycopg import Copy
    from psycopg.sql import Composed

    from hub.postgresql.base import DatabaseWrapper


def prepared_cursor() -> CursorWrapper:
    """A cursor of the default connection whose statements PostgreSQL parses and plans once for each connection.

    For statements of a fixed text that are asked a thousand times a second: planning them takes longer than answering.
    Parameters are bound by the server, so each needs a type that it can know (`%s::bigint[]`).
    """
    return cast("DatabaseWrapper", connection).prepared_cursor()


@contextmanager
def copying(cursor: Any, statement: str | Composed) -> Iterator[Copy]:
    """COPY on a cursor of the default connection, with Django's errors as for all other statements.

    psycopg's own would be taken for defects, and Django would keep a connection that is lost.
    """
    with connection.wrap_database_errors, cursor.copy(statement) as copy:
        yield copy
