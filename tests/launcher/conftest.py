"""Homes for launchers under test: short-lived, and outside pytest's own folder, which other users can't enter."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.launcher.home import AlreadyRunning, Home
from hub.launcher.place import remove_database
from hub.launcher.postgres import EmbeddedPostgres
from tests.launcher.launched import environment_of_a_user


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that every user may pass through: root's database runs as another user."""
    folder = Path(tempfile.mkdtemp(prefix="hub-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(open_folder: Path) -> Iterator[Home]:
    made = Home(Path(tempfile.mkdtemp(dir=open_folder)) / "home")
    made.folder.parent.chmod(0o711)
    yield made
    try:
        made.close()
        made.open()
    except AlreadyRunning:
        pass
    remove_database(made)
    made.close()


@pytest.fixture
def database(home: Home) -> Iterator[Callable[..., EmbeddedPostgres]]:
    """Makes servers in the home; whichever still run at the end are stopped."""
    made: list[EmbeddedPostgres] = []

    def make(*, durable: bool = False) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(home, durable=durable))
        return made[-1]

    home.open()
    yield make
    for server in made:
        server.stop()


@pytest.fixture
def plain_environment() -> dict[str, str]:
    return environment_of_a_user()
