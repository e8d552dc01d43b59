"""manage.py bench_bulk: signals a second through POST /signals/bulk, and what they cost the web process (floor 7).

Fills a scratch database, starts gunicorn against it as in production, and uploads from processes of their own, whose
bodies are made before. What a web process holds in memory is its high-water mark, before and after.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from sharing.management.commands.bench_pipeline import call
from sharing.management.corpus import fill, make_key
from sharing.management.load import upload
from sharing.management.running import INDEX, RELAY, WEB, WORKER, cpu_seconds, indexed, running
from sharing.management.scratch import NAME, run_sql, scratch_database

PATH: Final = "/api/v1/signals/bulk"
GROUPS: Final = 20
_CONTRIBUTE: Final = """
INSERT INTO sharing_sharinggroupgrant (content_object_id, group_id, permission_id, reason)
SELECT 1, o.group_id, p.id, 'bench' FROM accounts_organisation o
  JOIN auth_permission p ON p.codename = 'contribute_sharinggroup' WHERE o.slug IN ('member-3', 'member-5')
"""
_WORDS: Final = ("advert", "crossing", "seen", "public", "channel", "offers", "work", "abroad", "papers", "paid")


class Command(BaseCommand):
    help = "Measures bulk uploads through gunicorn on a scratch database: one, the same again, and two at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--n", type=int, default=1_000_000, help="stored signals, each with one PDQ hash")
        parser.add_argument("--lines", type=int, default=100_000, help="signals of one upload")
        parser.add_argument("--known", type=float, default=0.0, help="share of hashes that the hub has already")
        parser.add_argument("--matching", action="store_true", help="with worker, relay and index at work beside it")
        parser.add_argument("--json", action="store_true", help="print one line of JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        with scratch_database(), tempfile.TemporaryDirectory() as folder:
            fill(n=options["n"], groups=GROUPS, signal_type="pdq", holds=1)
            run_sql(_CONTRIBUTE)
            keys = make_key("member-3"), make_key("member-5")
            home = indexed(Path(folder)) if options["matching"] else Path(folder)
            beside = (WORKER, RELAY, INDEX) if options["matching"] else ()
            bodies = [_write(Path(folder), number, options) for number in range(3)]
            with running(home, WEB, *beside) as (port, pids):
                call(port, keys[0], "GET", "/api/v1/whoami")
                rows = [
                    measure("one upload", port, pids, [(keys[0], bodies[0], "one")], options["lines"]),
                    measure("the same again", port, pids, [(keys[0], bodies[0], "one")], options["lines"]),
                    measure(
                        "two at once", port, pids, [(keys[0], bodies[1], "two"), (keys[1], bodies[2], "two")],
                        2 * options["lines"],
                    ),
                ]  # fmt: skip
        shown = {name: options[name] for name in ("n", "lines", "known", "matching")}
        if options["json"]:
            self.stdout.write(json.dumps({**shown, "rows": rows}))
            return
        self.stdout.write(", ".join(f"{name} {value}" for name, value in shown.items()))
        self.stdout.write("  ".join(f"{name:>16}" for name in rows[0]))
        for row in rows:
            self.stdout.write("  ".join(f"{value:>16,}" if not isinstance(value, str) else f"{value:>16}"
                                        for value in row.values()))  # fmt: skip


def _write(folder: Path, number: int, options: dict[str, Any]) -> str:
    """A body of content signals as a member's own system would write them; its path."""
    dice = random.Random(number)  # noqa: S311 - the same in every run
    known = iter(_stored(int(options["lines"] * options["known"]), dice))
    path = folder / f"body-{number}.ndjson"
    with path.open("w") as file:
        for line in range(options["lines"]):
            value = next(known, None) or f"{dice.getrandbits(256):064x}"
            file.write(
                json.dumps(
                    {
                        "external_id": f"case-{number}-{line}", "kind": "content", "harm": "human_trafficking",
                        "severity": "high", "confidence": dice.randint(30, 100), "tlp": "AMBER",
                        "summary": " ".join(dice.choices(_WORDS, k=8)), "lawful_basis": "Section 52, 2015",
                        "observed_at": f"2026-0{dice.randint(1, 9)}-1{dice.randint(0, 9)}T08:30:00Z",
                        "sharing_groups": ["group-1"], "indicators": [{"type": "pdq", "value": value, "quality": 90}],
                    }
                )
                + "\n"
            )  # fmt: skip
    return str(path)


def _stored(most: int, dice: random.Random) -> list[str]:
    if not most:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT encode(value, 'hex') FROM sharing_indicator ORDER BY id LIMIT %s", [most])
        found = [value for (value,) in cursor.fetchall()]
    dice.shuffle(found)
    return found


def backends() -> list[int]:
    """The scratch database's server processes. One that has ended is gone with its time: see `Watch`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [NAME])
        return [pid for (pid,) in cursor.fetchall()]


class Watch:
    """CPU seconds of server processes, also of those that end before the measurement does."""

    def __init__(self) -> None:
        self._began = {pid: cpu_seconds([pid]) for pid in backends()}
        self._last = dict(self._began)

    def look(self) -> None:
        for pid in backends():
            self._began.setdefault(pid, 0.0)
            self._last[pid] = cpu_seconds([pid]) or self._last.get(pid, 0.0)

    def seconds(self) -> float:
        self.look()
        return sum(self._last[pid] - began for pid, began in self._began.items())


def megabytes(pids: list[int], what: str) -> int:
    """The largest of these processes: VmHWM is its high-water mark, VmRSS what it holds now."""
    sizes = [0]
    for pid in pids:
        status = Path(f"/proc/{pid}/status")
        if status.exists():
            sizes += [int(line.split()[1]) // 1024 for line in status.read_text().splitlines() if line.startswith(what)]
    return max(sizes)


def measure(what: str, port: int, pids: list[int], uploads: list[tuple[str, str, str]], lines: int) -> dict[str, Any]:
    before, web, database = megabytes(pids, "VmHWM"), cpu_seconds(pids), Watch()
    with ThreadPoolExecutor(len(uploads)) as senders:
        sent = [senders.submit(upload, port, PATH, *one) for one in uploads]
        while not all(one.done() for one in sent):
            time.sleep(0.2)
            database.look()
    took = []
    for begin, end, told in (one.result() for one in sent):
        if told["stored"] * len(uploads) != lines:
            raise CommandError(str(told))
        took.append((begin, end))
    # From the first byte of the first to the last answer.
    seconds = max(end for _begin, end in took) - min(begin for begin, _end in took)
    return {
        "what": what, "signals": lines, "seconds": round(seconds, 2), "signals/s": round(lines / seconds),
        "web CPU us": round((cpu_seconds(pids) - web) / lines * 1e6),
        "db CPU us": round(database.seconds() / lines * 1e6),
        "web MB before": before, "web MB after": megabytes(pids, "VmHWM"),
    }  # fmt: skip
