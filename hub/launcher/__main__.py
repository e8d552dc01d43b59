"""Command line of the launcher (roof): `python -m hub.launcher demo`. The Makefile calls it."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys

import psycopg

from hub.launcher.demo import running, show_demo, smoke
from hub.launcher.errors import CannotStart, mend_for
from hub.launcher.home import PROJECT, AlreadyRunning, Home
from hub.launcher.place import place_elsewhere, remove_database
from hub.launcher.ports import read_port
from hub.launcher.processes import wait_until
from hub.launcher.records import nobody_can_sign_in
from hub.launcher.screen import teller
from hub.launcher.supervisor import Stopped, Supervisor

_MADE_HERE = ("logs", "run", "broker", "index", "static")
_KEPT_HERE = ("demo.json", "demo-run.json", "secret-key", "token-keys.json", "encryption-keys.json", "lock")


def up(home: Home, *, port: int) -> int:
    """Everything in the foreground, until a signal."""
    tell = teller(sys.stdout)
    # It listens on loopback only, where nothing encrypts.
    plain = {"HUB_HTTPS": os.environ.get("HUB_HTTPS", "false")}
    supervisor = Supervisor(home, port=port, tell=tell, extra_environment=plain)
    with running(supervisor):
        try:
            supervisor.start()
            tell(f"The hub is running at {supervisor.url}/ (Ctrl-C stops it)")
            if nobody_can_sign_in(supervisor.environment["DATABASE_URL"]):
                tell(f"There is no account yet. In another terminal, in this folder: {_first_account(home)}")
            supervisor.watch()
        except Stopped:
            tell("Stopping (a few seconds); the data stays for the next start")
    return 0


def _first_account(home: Home) -> str:
    """The command that makes it, with the home where it is not the usual one."""
    where = f"HUB_HOME={shlex.quote(str(home.folder))} " if os.environ.get("HUB_HOME") else ""
    return f"{where}{sys.executable} -m hub.launcher manage createsuperuser --email you@example.org"


def manage(home: Home, arguments: list[str]) -> int:
    """A management command with the hub's database and keys, whether the hub runs or not."""
    try:
        home.open()
    except AlreadyRunning:
        url = home.database_url_file.read_text(encoding="utf-8").strip()
        return _manage(arguments, home.environment(database_url=url))
    supervisor = Supervisor(home, port=0, tell=teller(sys.stderr))
    with running(supervisor):
        supervisor.start_database()
        return _manage(arguments, supervisor.environment)


def _manage(arguments: list[str], environment: dict[str, str]) -> int:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode


def stop(home: Home) -> int:
    """Ask the launcher that holds the home to stop, and wait until it has."""
    if not home.folder.exists():
        print(f"No hub is running in {home.folder}")
        return 0
    try:
        home.open()
    except AlreadyRunning as running_one:
        os.kill(int(running_one.pid), signal.SIGTERM)
        if not wait_until(lambda: _is_free(home), seconds=60.0, every=0.1):
            raise CannotStart(f"Pid {running_one.pid} does not stop: look at the logs in {home.logs}.") from None
        print(f"The hub in {home.folder} has stopped")
        return 0
    home.close()
    print(f"No hub is running in {home.folder}")
    return 0


def _is_free(home: Home) -> bool:
    try:
        home.open()
    except AlreadyRunning:
        return False
    home.close()
    return True


def clean(home: Home) -> int:
    """Delete what the hub made in its home, by name: the home may be a folder that holds other things."""
    if not home.folder.exists():
        print(f"There is nothing to delete: {home.folder} does not exist.")
        return 0
    before, elsewhere = _names_in(home), place_elsewhere(home)
    home.open()
    remove_database(home)
    for name in _MADE_HERE:
        shutil.rmtree(home.folder / name, ignore_errors=True)
    for name in _KEPT_HERE:
        (home.folder / name).unlink(missing_ok=True)
    home.close()
    left = _names_in(home)
    print(f"Deleted in {home.folder}: {', '.join(sorted(before - left)) or 'nothing'}.")
    if elsewhere is not None:
        print(f"Deleted with it: the database in {elsewhere}.")
    if left:
        print(f"Left there: {', '.join(sorted(left))}.")
    else:
        home.folder.rmdir()
    return 0


def _names_in(home: Home) -> set[str]:
    return {entry.name for entry in home.folder.iterdir()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hub.launcher", description="The hub on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("up", "run everything in the foreground"),
        ("demo", "the same with demo data; runs the main job and shows what matched"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--port", type=read_port, default=8000, help="port of the portal and the API (8000)")
    commands.add_parser("smoke", help="the main job once in a temporary folder; prints one line of JSON")
    commands.add_parser("stop", help="stop the hub that runs in this home")
    commands.add_parser("clean", help="delete the database, keys and logs of this home")
    managing = commands.add_parser("manage", help="run a manage.py command on the embedded database")
    managing.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser.parse_args()


def _run(arguments: argparse.Namespace, home: Home) -> int:
    match arguments.command:
        case "smoke":
            return smoke(tell=teller(sys.stderr))
        case "stop":
            return stop(home)
        case "clean":
            return clean(home)
        case "manage":
            return manage(home, arguments.arguments)
    home.open()
    if arguments.command == "up":
        return up(home, port=arguments.port)
    return show_demo(home, port=arguments.port, tell=teller(sys.stdout))


def main() -> int:
    """Entry point: every known obstacle is one line on the error stream and exit code 1."""
    home = Home.chosen()
    try:
        return _run(_arguments(), home)
    except CannotStart as error:
        line = str(error)
    except psycopg.Error as error:
        line = f"The database can't be used ({str(error).splitlines()[0]}): look at {home.logs}/postgres.log."
    except OSError as error:
        reason = error.strerror or str(error)
        line = f"{error.filename or 'The system'}: {reason}: {mend_for(reason, folder=home.folder)}."
    except (Stopped, KeyboardInterrupt):
        return 130
    print(line, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
