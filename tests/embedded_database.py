"""Gives the tests a PostgreSQL of their own before Django reads its settings (loaded by -p in addopts).

With DATABASE_URL set, that server is used instead. Every process that runs tests has its own home below HUB_HOME, and
in it its own cluster: two runs at the same time, and the workers of one run (pytest -n). Two databases of one server
would not do. A snapshot of the near index reaches up to the oldest transaction that is open on the server, whichever
database it is in: one worker's tests would decide what the other's may find in a snapshot.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from hub.launcher.errors import CannotStart
from hub.launcher.home import AlreadyRunning, Home
from hub.launcher.place import remove_database
from hub.launcher.postgres import EmbeddedPostgres

_RUNS_AT_ONCE = 8
# A worker at its biggest: pytest itself, a whole hub, and Chromium or the dozen processes of one test.
_BYTES_OF_A_WORKER = 2 * 1024**3
_ONLY_TELLS = {"-h", "--help", "-V", "--version", "--markers", "--fixtures"}
_running = pytest.StashKey[tuple[Home, EmbeddedPostgres | None]]()


# A wrapper runs before every plain implementation, so before pytest-django looks at the settings.
@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    if not _ONLY_TELLS & set(early_config.invocation_params.args):
        try:
            early_config.stash[_running] = _prepare(runs_tests=not _leaves_them_to_workers(early_config))
        except CannotStart as error:
            raise pytest.UsageError(str(error)) from None
    return (yield)


def pytest_unconfigure(config: pytest.Config) -> None:
    home, database = config.stash.get(_running, (None, None))
    if database is not None:
        database.stop()
    if home is not None:
        home.close()


@pytest.hookimpl(optionalhook=True)  # there is no such hook with -p no:xdist
def pytest_xdist_auto_num_workers() -> int:
    """For -n auto: a worker for each core, where the memory is enough for it."""
    if os.environ.get("DATABASE_URL"):
        return 0  # one server, so one process after all (see above)
    return max(1, min(len(os.sched_getaffinity(0)), psutil.virtual_memory().available // _BYTES_OF_A_WORKER))


def _leaves_them_to_workers(config: pytest.Config) -> bool:
    """Whether this process only hands the tests out; each worker comes through here again by itself."""
    options = config.known_args_namespace
    wanted = getattr(options, "numprocesses", None) and not options.usepdb  # a debugger means one process
    return bool(wanted) and "PYTEST_XDIST_WORKER" not in os.environ


def _prepare(*, runs_tests: bool) -> tuple[Home, EmbeddedPostgres | None]:
    home = _free_home(Home.chosen().folder)
    database = None
    if runs_tests and not os.environ.get("DATABASE_URL"):
        database = _start(home)
        os.environ["DATABASE_URL"] = database.url
    os.environ["HUB_HOME"] = str(home.folder)
    os.environ.setdefault("HUB_HTTPS", "0")  # the tests' own client and browser speak plain HTTP
    os.environ["HUB_TOKEN_KEYS_FILE"] = str(home.token_keys())
    os.environ["HUB_ENCRYPTION_KEYS_FILE"] = str(home.encryption_keys())
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
