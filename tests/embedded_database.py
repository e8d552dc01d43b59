"""Gives the tests a PostgreSQL of their own before Django reads its settings (loaded by -p in addopts).

With DATABASE_URL set, that server is used instead. Every run has its own home below HUB_HOME: two runs at the
same time use two clusters.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from hub.launcher.errors import CannotStart
from hub.launcher.home import AlreadyRunning, Home
from hub.launcher.place import remove_database
from hub.launcher.postgres import EmbeddedPostgres

_RUNS_AT_ONCE = 8
_ONLY_TELLS = {"-h", "--help", "-V", "--version", "--markers", "--fixtures"}
_running = pytest.StashKey[tuple[Home, EmbeddedPostgres | None]]()


# A wrapper runs before every plain implementation, so before pytest-django looks at the settings.
@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    if not _ONLY_TELLS & set(early_config.invocation_params.args):
        try:
            early_config.stash[_running] = _prepare()
        except CannotStart as error:
            raise pytest.UsageError(str(error)) from None
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    home, database = config.stash.get(_running, (None, None))
    if database is not None:
        database.stop()
    if home is not None:
        home.close()


def _prepare() -> tuple[Home, EmbeddedPostgres | None]:
    home = _free_home(Home.chosen().folder)
    database = None
    if not os.environ.get("DATABASE_URL"):
        database = _start(home)
        os.environ["DATABASE_URL"] = database.url
    os.environ["HUB_HOME"] = str(home.folder)
    os.environ.setdefault("HUB_HTTPS", "0")  # the tests' own client and browser speak plain HTTP
    os.environ["HUB_TOKEN_KEYS_FILE"] = str(home.token_keys())
    os.environ["HUB_SECRET_KEY"] = home.secret_key()
    return home, database


def _free_home(below: Path) -> Home:
    for number in range(1, _RUNS_AT_ONCE + 1):
        home = Home(below / ("test-postgres" if number == 1 else f"test-postgres-{number}"))
        try:
            home.open()
        except AlreadyRunning:
            continue
        return home
    raise CannotStart(f"{_RUNS_AT_ONCE} test runs use {below} already: wait for one, or set HUB_HOME.")


def _start(home: Home) -> EmbeddedPostgres:
    database = EmbeddedPostgres(home, durable=False, settings={"max_connections": "200"})
    try:
        database.start()
    except CannotStart:
        # Nothing in a test cluster is worth keeping, and a power cut may have damaged it: make it anew, once.
        remove_database(home)
        database.start()
    return database
