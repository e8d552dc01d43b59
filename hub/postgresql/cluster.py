"""Which database this is, so that ids of transactions from before a restore are never taken for its own (ground)."""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakKeyDictionary

from django.db import connection

_CLUSTER: Final = """
    SELECT (SELECT system_identifier FROM pg_control_system()) || '/' ||
           (SELECT timeline_id FROM pg_control_checkpoint()) || '/' ||
           (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_clusters: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def cluster_of(cursor: Any) -> str:
    """Server, timeline and database behind a cursor of the default connection. Those change only with a restart, and so
    with the connection."""
    assert connection.connection is not None
    known = _clusters.get(connection.connection)
    if known is None:
        cursor.execute(_CLUSTER)
        known = _clusters[connection.connection] = cursor.fetchone()[0]
    return known


def known_cluster() -> str | None:
    """The same of this thread's connection, if it is open and has been asked before."""
    held = connection.connection
    return None if held is None else _clusters.get(held)
