"""Whose file it is, and which files are refused."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hub_client import BadCopy, LocalCopy
from hub_client.copies import CopyWriter, copy_file
from hub_client.copies.file import VERSION, Owner, hub_name
from tests.client.copies.pages import OWNER, page, signal


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "folder" / "copy.sqlite"
    with CopyWriter(path) as writer:
        writer.belong(OWNER)
        writer.apply(page("1", [signal(1), signal(2)], more=False))
    return path


def test_only_you_can_read_it_nor_what_lies_beside_it(copy: Path) -> None:
    with CopyWriter(copy) as writer:
        writer.apply(page("2", [signal(3)], more=False))
        files = list(copy.parent.iterdir())
        assert len(files) == 4  # with its journal, the index of that, and the lock
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Owner("https://other.example", "alpha"), "a copy of https://hub.example, not of https://other.example"),
        (Owner("https://hub.example", "beta"), "alpha's copy, and this key is beta's"),
        (Owner("https://hub.example", "alpha", ("md5",)), "narrowed to nothing, not to types md5"),
        (Owner("https://hub.example", "alpha", (), "watch"), "narrowed to nothing, not to group watch"),
    ],
)
def test_a_copy_of_something_else_is_refused_and_stays_as_it_is(copy: Path, other: Owner, told: str) -> None:
    with CopyWriter(copy) as writer, pytest.raises(BadCopy, match=told) as caught:
        writer.belong(other)
    assert "--db" in caught.value.mend
    with LocalCopy(copy) as read:
        assert (read.state().owner, read.state().signals) == (OWNER, 2)


def overwritten(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)


def emptied_inside(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 : 3 * 4096] = bytes(2 * 4096)
    path.write_bytes(data)


def of_something_else(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE things (a)")
    path.chmod(0o600)


def of_another_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (overwritten, "damaged, or no copy.*Delete .*copy.sqlite and sync again"),
        (emptied_inside, "damaged, or no copy.*Delete .*copy.sqlite and sync again"),
        (of_something_else, "a database of something else, and stays as it is. Name another file"),
        (of_another_version, r"another version of this program \(its form is 2\). Delete"),
        (lambda path: path.chmod(0o640), "Others on this machine can read the copy .*chmod 600"),
    ],
)
def test_a_file_that_is_no_sound_copy_is_refused_with_the_mend(
    copy: Path, spoil: Callable[[Path], None], told: str
) -> None:
    spoil(copy)
    before = copy.read_bytes()

    with pytest.raises(BadCopy, match=told), CopyWriter(copy) as writer:
        writer.belong(OWNER)
        writer.apply(page("2", [signal(3)], more=False))
    with pytest.raises(BadCopy, match=told), LocalCopy(copy) as read:
        list(read.signals())

    assert copy.read_bytes() == before


def test_asking_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadCopy, match=r"There is no copy .* Make it with `hub-client sync`"):
        LocalCopy(tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_second_one_that_writes_is_told_so_also_from_another_process(copy: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from hub_client.copies import CopyWriter; CopyWriter(Path(sys.argv[1]))"
    )
    with CopyWriter(copy):
        with pytest.raises(BadCopy, match="Another sync is writing"):
            CopyWriter(copy)
        environment = {"PYTHONPATH": ":".join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", program, copy], capture_output=True, text=True, env=environment, check=False
        )
        assert "Another sync is writing" in done.stderr
        with LocalCopy(copy) as read:  # readers are not kept out
            assert read.state().signals == 2
    with CopyWriter(copy):
        pass


def test_the_name_of_a_hub_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    assert hub_name("HTTPS://Hub.Example:443/") == hub_name("https://hub.example") == "https://hub.example"
    assert hub_name("http://127.0.0.1:8000/hub/") == "http://127.0.0.1:8000/hub"
    assert copy_file("https://hub.example/", ("md5", "pdq")) == copy_file("https://HUB.example", ("pdq", "md5"))
    assert copy_file("https://hub.example") != copy_file("https://hub.example", ("md5",))
    assert copy_file("https://hub.example", (), "md5") != copy_file("https://hub.example", ("md5",))


def test_what_was_forgotten_is_not_left_in_the_file(copy: Path) -> None:
    secret = "remembered by nobody"
    with CopyWriter(copy) as writer:
        writer.apply(page("2", [signal(9, summary=secret)], more=False))
        writer.apply(page("3", removed=[9], more=False))
    assert all(secret.encode() not in path.read_bytes() for path in copy.parent.iterdir())
