"""What the database holds beyond a horizon, and all that it held up to one (floor 4).

A horizon is a transaction id below which no transaction was open when it was read: every row that such a transaction
wrote is visible, now and to all that come later. Rows beyond it are read anew by each query.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray
from psycopg import sql

from hub.postgresql import copying, prepared_cursor
from hub.postgresql.cluster import cluster_of, known_cluster

# One row in all: a value to fetch for each column instead of a row for each indicator. In the order of an index, so
# that no plan, and no statistics from before an import, lead to a walk through the whole table.
_BEYOND: Final = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text, pg_relation_filenode('sharing_indicator'),
           array_agg(id), array_agg(commit_xid::text::bigint), string_agg(value, ''::bytea)
      FROM (SELECT id, commit_xid, value FROM sharing_indicator
             WHERE signal_type = %(type)s AND commit_xid >= %(horizon)s::text::xid8
             ORDER BY commit_xid LIMIT %(limit)s) AS beyond
"""
_COUNT: Final = """
    SELECT pg_relation_filenode('sharing_indicator'), count(*)
      FROM (SELECT FROM sharing_indicator
             WHERE signal_type = %(type)s AND commit_xid >= %(horizon)s::text::xid8
             ORDER BY commit_xid LIMIT %(limit)s) AS beyond
"""
_UP_TO: Final = """
    COPY (SELECT id, value FROM sharing_indicator
           WHERE signal_type = {type} AND commit_xid < {horizon}::xid8)
      TO STDOUT (FORMAT binary)
"""
_COPY_HEADER: Final = 19  # bytes: signature, flags, and the length of an extension that is empty
_CHUNK: Final = 4_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Beyond:
    """The rows past a horizon, as one statement saw them. `horizon` is the next one that may be asked from."""

    incarnation: str
    horizon: int
    ids: NDArray[np.int64]
    transactions: NDArray[np.int64]
    values: bytes


def rows_beyond(signal_type: str, horizon: int, limit: int) -> Beyond:
    """At most `limit` rows, in no order. Sees all that was committed when it is called."""
    with prepared_cursor() as cursor:
        cluster = cluster_of(cursor)
        cursor.execute(_BEYOND, {"type": signal_type, "horizon": str(horizon), "limit": limit})
        xmin, filenode, ids, transactions, values = cursor.fetchone()
    return Beyond(
        f"{cluster}/{filenode}",
        int(xmin),
        np.array(ids or (), np.int64),
        np.array(transactions or (), np.int64),
        bytes(values or b""),
    )


def filenode_here(incarnation: str) -> int | None:
    """The table's file, when this thread's connection is known to lead to the server and database of `incarnation`."""
    cluster, _slash, filenode = incarnation.rpartition("/")
    return int(filenode) if known_cluster() == cluster else None


def count_beyond(signal_type: str, horizon: int, limit: int) -> tuple[str, int]:
    """The incarnation, and how many rows lie past the horizon, counted up to `limit`."""
    with connection.cursor() as cursor:
        cluster = cluster_of(cursor)
        cursor.execute(_COUNT, {"type": signal_type, "horizon": str(horizon), "limit": limit})
        filenode, count = cursor.fetchone()
    return f"{cluster}/{filenode}", count


@dataclass(frozen=True, slots=True)
class Whole:
    """Every row of a type up to a horizon."""

    incarnation: str
    horizon: int
    ids: NDArray[np.int64]
    values: bytes


def rows_up_to_now(signal_type: str, size: int) -> Whole:
    """All rows of a type, whose values have `size` bytes, by COPY."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cluster = cluster_of(cursor)
        cursor.execute(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text, pg_relation_filenode('sharing_indicator')"
        )
        xmin, filenode = cursor.fetchone()
        rows = np.concatenate([np.zeros(0, _row(size)), *_copied(cursor, signal_type, xmin, size)])
    return Whole(f"{cluster}/{filenode}", int(xmin), rows["id"].astype(np.int64), rows["value"].tobytes())


def _row(size: int) -> np.dtype[np.void]:
    """A row of two fields in PostgreSQL's binary COPY format: their number, then each one's length and bytes."""
    return np.dtype([("fields", ">i2"), ("a", ">i4"), ("id", ">i8"), ("b", ">i4"), ("value", f"V{size}")])


def _copied(cursor: Any, signal_type: str, horizon: str, size: int) -> Iterator[NDArray[np.void]]:
    query = sql.SQL(_UP_TO).format(type=sql.Literal(signal_type), horizon=sql.Literal(horizon))
    row = _row(size)
    buffer, begun = bytearray(), False
    with copying(cursor, query) as copy:
        for message in copy:
            buffer += message
            if len(buffer) > _CHUNK:
                if not begun:
                    del buffer[:_COPY_HEADER]
                    begun = True
                whole = len(buffer) // row.itemsize * row.itemsize
                yield np.frombuffer(bytes(buffer[:whole]), row)
                del buffer[:whole]
    if not begun:
        del buffer[:_COPY_HEADER]
    # What is left ends with the trailer: a row of -1 fields.
    yield np.frombuffer(bytes(buffer[: len(buffer) // row.itemsize * row.itemsize]), row)
