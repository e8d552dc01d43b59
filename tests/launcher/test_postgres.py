"""The embedded PostgreSQL: started, killed, half-made, damaged, in awkward places. A real server every time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from hub.launcher import binaries
from hub.launcher.errors import CannotStart
from hub.launcher.home import PROJECT, Home
from hub.launcher.place import find_place, remove_database
from hub.launcher.postgres import EmbeddedPostgres
from hub.launcher.processes import wait_until

Make = Callable[..., EmbeddedPostgres]


def rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM kept").fetchone()
        assert found is not None
        return int(found[0])


def fill(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")


def process_id(server: EmbeddedPostgres) -> int:
    assert server.child is not None
    assert server.child.process is not None
    return server.child.process.pid


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_stopped_and_started_again_it_keeps_its_rows(database: Make) -> None:
    first = database()
    fill(first.start())
    first.stop()

    assert rows(database().start()) == 1000


def test_a_killed_server_keeps_its_rows(database: Make) -> None:
    server = database(durable=True)
    fill(server.start())
    os.kill(process_id(server), signal.SIGKILL)

    # At once: nobody has reaped the dead process, and its backends may still hold the shared memory.
    assert rows(database(durable=True).start()) == 1000


def test_nobody_but_its_own_user_can_reach_it(database: Make, home: Home) -> None:
    url = database().start()

    with psycopg.connect(url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW unix_socket_permissions").fetchone() == ("0700",)
        folder = connection.info.host
    assert Path(folder).stat().st_mode & 0o077 == 0


def test_its_log_keeps_no_values_of_a_statement_that_failed(database: Make, home: Home) -> None:
    url = database().start()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE person (phone text PRIMARY KEY)")
        connection.execute("INSERT INTO person VALUES ('+447700900999')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO person VALUES ('+447700900999')")

    log = (home.logs / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "447700900999" not in log


def test_it_ends_with_the_launcher_even_when_that_is_killed(home: Home) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from hub.launcher.home import Home; from hub.launcher.postgres import EmbeddedPostgres\n"
        "home = Home(Path(sys.argv[1])); home.open(); server = EmbeddedPostgres(home, durable=False)\n"
        "server.start(); print(server.child.process.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(home.folder)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as launcher:
        assert launcher.stdout is not None
        server = int(launcher.stdout.readline())
        launcher.kill()

    assert wait_until(lambda: gone(server), seconds=10)


def test_a_cluster_that_was_left_half_made_is_made_again(database: Make, home: Home) -> None:
    place = find_place(home)
    half = place.folder / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text(f"{place.major}\n")

    url = database().start()

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("hub",)
    assert not half.exists()


def test_a_cluster_with_missing_files_is_refused_not_replaced(database: Make, home: Home) -> None:
    server = database()
    server.start()
    server.stop()
    (find_place(home).data / "global" / "pg_control").unlink()

    with pytest.raises(CannotStart, match=r"damaged.*put a backup in its place") as refused:
        database().start()
    assert "\n" not in str(refused.value)


def test_a_damaged_cluster_is_told_in_one_line_with_the_servers_own_words(database: Make, home: Home) -> None:
    server = database()
    server.start()
    server.stop()
    control = find_place(home).data / "global" / "pg_control"
    control.write_bytes(b"\0" * control.stat().st_size)

    with pytest.raises(CannotStart, match=r"does not start \(.*(FATAL|PANIC).*damaged") as refused:
        database().start()
    assert "\n" not in str(refused.value)


def test_a_cluster_of_another_major_version_names_the_mend(database: Make, home: Home) -> None:
    server = database()
    server.start()
    server.stop()
    (find_place(home).data / "PG_VERSION").write_text("15\n")

    with pytest.raises(CannotStart, match=r"made by PostgreSQL 15.*HUB_PG_BIN"):
        database().start()


def test_a_long_path_still_gives_a_socket(open_folder: Path) -> None:
    home = Home(open_folder / ("a" * 60) / ("b" * 60))
    home.open()
    server = EmbeddedPostgres(home, durable=False)
    try:
        with psycopg.connect(server.start()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()
        remove_database(home)
        home.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's database runs as another user")
def test_below_a_closed_folder_root_keeps_the_database_elsewhere_and_finds_it_again() -> None:
    closed = Path(tempfile.mkdtemp(prefix="hub-test-"))  # mode 0700
    home = Home(closed / "home")
    home.open()
    server = EmbeddedPostgres(home, durable=False)
    try:
        fill(server.start())
        server.stop()
        assert not find_place(home).folder.is_relative_to(closed)

        assert rows(server.start()) == 1000
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()
        place = find_place(home).folder
        remove_database(home)
        home.close()
        shutil.rmtree(closed)
    assert not place.parent.exists()


def test_a_wrong_hub_pg_bin_is_told_in_one_line(
    database: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HUB_PG_BIN", str(tmp_path))

    with pytest.raises(CannotStart, match=r"holds no initdb and postgres.*unset it") as refused:
        database().start()
    assert "\n" not in str(refused.value)


def test_the_systems_postgresql_is_never_used_by_itself(
    database: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("HUB_PG_BIN", raising=False)
    monkeypatch.setattr(binaries, "_wheel_binaries", lambda: Path("/nonexistent"))

    with pytest.raises(CannotStart, match=r"no embedded PostgreSQL here: run `make demo`"):
        database().start()


def test_an_old_postgresql_is_refused(database: Make, monkeypatch: pytest.MonkeyPatch, open_folder: Path) -> None:
    old = Path(tempfile.mkdtemp(dir=open_folder))
    old.chmod(0o755)
    for name in ("initdb", "postgres"):
        (old / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.2'\n")
        (old / name).chmod(0o755)
    monkeypatch.setenv("HUB_PG_BIN", str(old))

    with pytest.raises(CannotStart, match=r"is PostgreSQL 14: the hub needs 15 or newer"):
        database().start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_told_in_one_line(open_folder: Path) -> None:
    disk = open_folder / "small"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0711", "none", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    home = Home(disk / "home")
    try:
        home.open()
        with pytest.raises(CannotStart, match=r"No space left on device.*free some disk space") as refused:
            EmbeddedPostgres(home, durable=False).start()
        assert "\n" not in str(refused.value)
        home.close()
    finally:
        subprocess.run(["umount", disk], check=True)
