"""A scratch database for benchmarks, beside the real one and gone afterwards (floor 7)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

NAME = "hub_bench"


@contextmanager
def scratch_database() -> Iterator[None]:
    """Inside, the default connection leads to an empty, migrated database of its own."""
    real = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = NAME
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(real, verbosity=0)


@dataclass
class Cost:
    """Queries of one piece of code and the time that the database took for them, in milliseconds."""

    statements: list[tuple[str, Any]] = field(default_factory=list)
    milliseconds: float = 0.0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.milliseconds += (time.perf_counter() - started) * 1000
            self.statements.append((sql, params))


def cost_of(work: Callable[[], object]) -> Cost:
    cost = Cost()
    with connection.execute_wrapper(cost):
        work()
    return cost


def run_sql(sql: str, **params: str | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
