"""The whole hub under its supervisor, as a user starts it: killed piece by piece, and whole."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.launcher.home import Home
from hub.launcher.place import remove_database
from hub.launcher.ports import free_port
from hub.launcher.processes import wait_until
from tests.launcher.launched import CHILDREN, Hub, environment_of_a_user, is_alive

FIRST_ACCOUNT = "-m hub.launcher manage createsuperuser --email"


@pytest.fixture(scope="module")
def hub(open_folder: Path) -> Iterator[Hub]:
    hub = Hub(Home(open_folder / "home"), environment_of_a_user(), free_port())
    hub.start()
    yield hub
    if hub.process is not None:
        hub.process.terminate()
        hub.process.wait(60)
    remove_database(hub.home)


@pytest.mark.parametrize("name", ["relay", "index", "worker", "beat", "web", "postgres"])
def test_a_killed_process_is_started_again_and_the_screen_says_so(hub: Hub, name: str) -> None:
    before = hub.pid(name)
    os.kill(before, signal.SIGKILL)

    assert wait_until(lambda: hub.pid(name) != before and hub.all_up(), seconds=30)
    assert f"{name} ended (signal SIGKILL), starting it again" in hub.screen()


def test_a_second_launcher_on_the_same_home_is_refused(hub: Hub) -> None:
    assert hub.process is not None
    second = hub.launch("up", "--port", str(free_port()))
    _, said = second.communicate(timeout=30)

    assert second.returncode == 1
    assert said.count("\n") == 1
    assert f"already running, pid {hub.process.pid}: `make stop` stops it" in said


@pytest.mark.parametrize("port", ["99999", "0", "abc", ""])
def test_what_is_no_port_is_told_in_one_line(hub: Hub, port: str) -> None:
    refused = hub.launch("up", "--port", port)
    _, said = refused.communicate(timeout=30)

    assert refused.returncode == 1
    assert said == f"'{port}' is no port: choose a number from 1024 to 65535, such as PORT=8000.\n"


def test_a_taken_port_is_told_in_one_line(hub: Hub, open_folder: Path) -> None:
    other = Hub(Home(open_folder / "elsewhere" / "home"), hub.environment, hub.port)
    other.home.folder.parent.mkdir()
    second = other.launch("up", "--port", str(hub.port))
    _, said = second.communicate(timeout=30)

    assert second.returncode == 1
    assert (
        said == f"Port {hub.port} is taken: stop what listens there, or choose another, such as PORT={hub.port + 1}.\n"
    )


def test_a_management_command_works_beside_the_running_hub(hub: Hub) -> None:
    beside = hub.launch("manage", "check", "--database", "default")
    _, said = beside.communicate(timeout=60)

    assert beside.returncode == 0, said


def test_how_to_make_the_first_account_is_told_until_there_is_one(hub: Hub) -> None:
    assert hub.process is not None
    assert hub.screen().count(FIRST_ACCOUNT) == 1

    making = hub.launch("manage", "createsuperuser", "--no-input", "--email", "you@example.org")
    _, said = making.communicate(timeout=60)
    assert making.returncode == 0, said
    hub.process.terminate()
    hub.process.wait(60)
    hub.start()

    assert hub.screen().count("The hub is running at") == 2
    assert hub.screen().count(FIRST_ACCOUNT) == 1


def test_when_the_launcher_is_killed_everything_ends_and_can_be_started_again(hub: Hub) -> None:
    assert hub.process is not None
    pids = [hub.pid(name) for name in CHILDREN]
    hub.process.kill()
    hub.process.wait()

    assert wait_until(lambda: not any(is_alive(pid) for pid in pids), seconds=10)
    hub.start()


def test_asked_to_stop_it_stops_everything_in_order_and_says_success(hub: Hub) -> None:
    assert hub.process is not None
    pids = [hub.pid(name) for name in CHILDREN]
    assert hub.launch("stop").wait(60) == 0

    assert hub.process.wait(60) == 0
    assert not any(is_alive(pid) for pid in pids)
    assert "database system is shut down" in (hub.home.logs / "postgres.log").read_text().splitlines()[-1]


def test_cleaning_names_what_it_deletes_and_leaves_the_rest(hub: Hub) -> None:
    kept = hub.home.folder / "mine"
    kept.write_text("not the hub's")
    assert (hub.home.folder / "index").is_dir()
    before = len(hub.screen())

    assert hub.launch("clean").wait(60) == 0
    said = hub.screen()[before:]

    assert f"Deleted in {hub.home.folder}: " in said
    for name in ("index", "logs", "secret-key", "token-keys.json", "encryption-keys.json"):
        assert name in said
    assert "Left there: mine." in said
    assert list(hub.home.folder.iterdir()) == [kept]
