"""PostgreSQL's transaction id as a column (floor 3)."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class TransactionIdField(models.Field[int, int]):
    """An `xid8`: the 64-bit id of the transaction that last wrote the row.

    Ids are handed out at a transaction's first write and become visible at its commit, so out of order. A reader must
    never pass `pg_snapshot_xmin(pg_current_snapshot())`, below which no transaction is still open.
    """

    description = "PostgreSQL transaction id"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "xid8"

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> int | None:
        return None if value is None else int(value)

    def get_placeholder(self, value: Any, compiler: Any, connection: BaseDatabaseWrapper) -> str:
        return "%s::text::xid8"

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else str(value)


def current_transaction() -> models.Func:
    """The id of the transaction that writes the row."""
    return models.Func(function="pg_current_xact_id")


def oldest_open_transaction() -> models.Func:
    """Every transaction with a smaller id was over when the row was written."""
    return models.Func(models.Func(function="pg_current_snapshot"), function="pg_snapshot_xmin")
