"""manage.py bench_lookups: what look-ups cost through the whole web process (floor 7).

Fills a scratch database, starts gunicorn against it as in production, and drives it from another process. The CPU times
hold on a busy machine too, where requests a second do not.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from sharing.management.corpus import fill, make_key, values
from sharing.management.load import drive, post
from sharing.management.running import WEB, cpu_seconds, indexed, running
from sharing.management.scratch import NAME, scratch_database

PATH: Final = "/api/v1/lookups"
CONNECTIONS: Final = 8
BATCH: Final = 500
VARIANTS: Final = 2_000  # requests with one hash that are prepared


class Command(BaseCommand):
    help = "Measures look-ups through gunicorn on a scratch database: single hashes and batches of 500."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--n", type=int, default=1_000_000, help="stored hashes (10 in a signal)")
        parser.add_argument("--type", choices=["pdq", "sha256"], default="pdq")
        parser.add_argument("--groups", type=int, default=20, help="groups that the caller is in, of twice as many")
        parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
        parser.add_argument("--hits", type=float, default=0.1, help="share of hashes that are stored, or near one")
        parser.add_argument("--json", action="store_true", help="print one line of JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        with scratch_database():
            fill(n=options["n"], groups=options["groups"], signal_type=options["type"])
            key = make_key("member-1")
            with tempfile.TemporaryDirectory() as folder, running(indexed(Path(folder)), WEB) as (port, pids):
                rows = [measure(port, pids, key, size, options) for size in (1, BATCH)]
        if options["json"]:
            shown = {name: options[name] for name in ("n", "type", "groups", "seconds", "hits")}
            self.stdout.write(json.dumps({**shown, "connections": CONNECTIONS, "rows": rows}))
            return
        self.stdout.write(f"{options['n']:,} {options['type']} hashes, {options['groups']} groups, 2 workers")
        self.stdout.write("  ".join(f"{name:>14}" for name in rows[0]))
        for row in rows:
            self.stdout.write("  ".join(f"{value:>14,}" for value in row.values()))


def backends() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [NAME])
        return [pid for (pid,) in cursor.fetchall()]


def measure(port: int, pids: list[int], key: str, size: int, options: dict[str, Any]) -> dict[str, Any]:
    hashes = values(options["type"], n=options["n"], hits=options["hits"], count=max(VARIANTS, 20 * size))
    requests = [
        post(PATH, key, json.dumps({"items": [{"type": options["type"], "value": one} for one in part]}).encode())
        for part in (hashes[start : start + size] for start in range(0, len(hashes), size))
    ]
    drive(port, requests, connections=CONNECTIONS, seconds=1)  # warm
    in_database = backends()
    before = cpu_seconds(pids), cpu_seconds(in_database)
    took = drive(port, requests, connections=CONNECTIONS, seconds=options["seconds"])
    after = cpu_seconds(pids), cpu_seconds(in_database)
    if not took:
        raise CommandError("No answer came in time: take fewer hashes (--n) or more seconds.")
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return {
        "hashes": size,
        "requests/s": round(len(took) / options["seconds"]),
        "hashes/s": round(size * len(took) / options["seconds"]),
        "p50 ms": round(cuts[49], 2),
        "p95 ms": round(cuts[94], 2),
        "p99 ms": round(cuts[98], 2),
        "web CPU ms": round((after[0] - before[0]) / len(took) * 1000, 3),
        "db CPU ms": round((after[1] - before[1]) / len(took) * 1000, 3),
    }
