"""Fixtures that every slice uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.db.backends.postgresql.operations import DatabaseOperations
from whitenoise.middleware import WhiteNoiseMiddleware

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "data"
# No test is about time: on a busy machine it would fail by chance.
hypothesis.settings.register_profile("hub", deadline=None)
hypothesis.settings.load_profile("hub")


@pytest.hookimpl(optionalhook=True)  # there is no such hook with -p no:xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.spreading import BySize  # noqa: PLC0415 - needs xdist, which may be switched off

    return BySize(config, log)


@pytest.hookimpl(trylast=True)  # after pytest-django, which has an order of its own
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tell_apart(items)
    if hasattr(config, "workerinput"):
        from tests.spreading import longest_first  # noqa: PLC0415

        items[:] = longest_first(items)


def tell_apart(items: Sequence[pytest.Item]) -> None:
    """Tests are handed out to processes by their ids: of those with the same id only one would run.

    schemathesis names a test for each operation of the API, and from pytest 9.2 on the name is not in the id.
    """
    for item in items:
        if "[" in item.name and "[" not in item.nodeid:
            item._id = item._id.with_params(item.name.partition("[")[2].removesuffix("]"))  # type: ignore[attr-defined]
    twice = [nodeid for nodeid, number in Counter(item.nodeid for item in items).items() if number > 1]
    if twice:
        raise pytest.UsageError(f"Tests with the same id, of which only one would run: {', '.join(twice)}")


@pytest.fixture(autouse=True)
def _fresh_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Request limits and sign-in failures are counted in the cache; one test must not use up another's, and no span of
    time ends in the midst of one."""
    cache.clear()
    monkeypatch.setattr("hub.windows.time", lambda: 1_000_000.0)


@pytest.fixture(autouse=True)
def _sums_at_once(settings: LazySettings) -> None:
    """A sum that waited would be written into the database of a later test."""
    settings.AUDIT_TALLY_SECONDS = 0


@pytest.fixture(autouse=True)
def _quick_passwords(settings: LazySettings) -> None:
    """A slow hash protects people's passwords, not those of tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True, scope="session")
def _emptied_with_the_audit() -> Iterator[None]:
    """After a test with transactions of its own Django empties all tables, and the audit refuses. The table's owner can
    lift that for the one transaction; no setting can, and nothing in the hub does."""
    plain = DatabaseOperations.sql_flush

    def sql_flush(*args: Any, **kwargs: Any) -> list[str]:
        switch = "ALTER TABLE audit_auditentry {} TRIGGER audit_no_truncate"
        return [switch.format("DISABLE"), *plain(*args, **kwargs), switch.format("ENABLE")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        yield


@pytest.fixture(autouse=True, scope="session")
def _static_files_found_once() -> Iterator[None]:
    """Every test client makes the middleware anew, and with it the list of the same 200 files: a tenth of the time that
    all tests took. A process of the hub makes it once in its life; so does a process that runs tests."""
    find = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, Any] = {}

    def find_once(self: WhiteNoiseMiddleware) -> None:
        if not found:
            find(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", find_once)
        yield


@pytest.fixture
def reference() -> Path:
    """The folder of reference data beside the project."""
    if not REFERENCE.is_dir():
        pytest.skip("the reference data is not beside this checkout (../shared/data)")
    return REFERENCE
