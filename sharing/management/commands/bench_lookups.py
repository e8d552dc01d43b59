"""manage.py bench_lookups: what look-ups cost through the whole web process (floor 7).

Fills a scratch database, starts gunicorn against it as in production, and drives it from another process. The CPU times
hold on a busy machine too, where requests a second do not.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from accounts.actor import actor_of_user
from accounts.models import ApiClient, Organisation, User
from accounts.services import issue_key
from sharing.management.load import drive, post
from sharing.management.scratch import NAME, run_sql, scratch_database
from sharing.matching.index.building import Builder, near_types

PATH: Final = "/api/v1/lookups"
CONNECTIONS: Final = 8
BATCH: Final = 500
WORKERS: Final = 2
ORGANISATIONS: Final = 20
HOLDS: Final = 10  # indicators of a signal
FLIPPED: Final = 12  # bits in which a near hit differs
VARIANTS: Final = 2_000  # requests with one hash that are prepared

_FILL: Final = """
INSERT INTO auth_group (name) SELECT 'organisation ' || o FROM generate_series(1, %(organisations)s) o;
INSERT INTO accounts_organisation (uuid, name, slug, kind, country, status, group_id)
SELECT gen_random_uuid(), 'Member ' || id, 'member-' || row_number() OVER (ORDER BY id), 'platform', 'GB', 'active', id
  FROM auth_group;
INSERT INTO sharing_sharinggroup (uuid, name, slug, purpose, harms, max_tlp, retention_days, status)
SELECT gen_random_uuid(), 'Group ' || g, 'group-' || g, 'bench', '{}', 'AMBER', 365, 'active'
  FROM generate_series(1, 2 * %(groups)s) g;
INSERT INTO sharing_sharinggroupgrant (content_object_id, group_id, permission_id, reason)
SELECT g.id, o.group_id, p.id, 'bench'
  FROM sharing_sharinggroup g CROSS JOIN accounts_organisation o
  JOIN auth_permission p ON p.codename = 'view_sharinggroup'
 WHERE (g.id + o.id) %% 2 = 0;
INSERT INTO sharing_signal (uuid, organisation_id, kind, harm, severity, confidence, tlp, subject_role, summary,
                            lawful_basis, retraction_reason, expires_at)
SELECT gen_random_uuid(), 1 + s %% %(organisations)s, 'content', 'human_trafficking', 'high', 50, 'AMBER', 'unknown',
       '', '', '', now() + interval '1 year'
  FROM generate_series(1, %(n)s / %(holds)s) s;
INSERT INTO sharing_indicator (signal_type, value, key_id)
SELECT %(type)s, sha256(i::text::bytea), '' FROM generate_series(1, %(n)s) i;
INSERT INTO sharing_signalindicator (signal_id, indicator_id)
SELECT 1 + (i - 1) / %(holds)s, i FROM generate_series(1, %(n)s / %(holds)s * %(holds)s) i;
INSERT INTO sharing_share (signal_id, sharing_group_id)
SELECT s, 1 + s %% (2 * %(groups)s) FROM generate_series(1, %(n)s / %(holds)s) s;
"""


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
            run_sql(
                _FILL, organisations=ORGANISATIONS, groups=options["groups"], n=options["n"], holds=HOLDS,
                type=options["type"],
            )  # fmt: skip
            run_sql("VACUUM ANALYZE")
            key = make_key()
            with tempfile.TemporaryDirectory() as folder, gunicorn(indexed(Path(folder))) as (port, pids):
                rows = [measure(port, pids, key, size, options) for size in (1, BATCH)]
        if options["json"]:
            shown = {name: options[name] for name in ("n", "type", "groups", "seconds", "hits")}
            self.stdout.write(json.dumps({**shown, "connections": CONNECTIONS, "workers": WORKERS, "rows": rows}))
            return
        self.stdout.write(f"{options['n']:,} {options['type']} hashes, {options['groups']} groups, {WORKERS} workers")
        self.stdout.write("  ".join(f"{name:>14}" for name in rows[0]))
        for row in rows:
            self.stdout.write("  ".join(f"{value:>14,}" for value in row.values()))


def make_key() -> str:
    organisation = Organisation.objects.get(slug="member-1")
    Organisation.objects.filter(slug="member-2").update(kind=Organisation.Kind.OPERATOR)
    operator = User.objects.create_user(
        "bench@example.org", organisation=Organisation.objects.get(slug="member-2"), is_staff=True
    )
    client = ApiClient.objects.create(organisation=organisation, name="bench")
    return issue_key(actor=actor_of_user(operator), client=client).text


def indexed(folder: Path) -> Path:
    """The folder, with what `manage.py index` would have put there."""
    builder = Builder(folder)
    for signal_type in near_types():
        builder.build_if_due(signal_type)
    return folder


@contextmanager
def gunicorn(index: Path) -> Iterator[tuple[int, list[int]]]:
    """The web processes on a free port of this machine; (port, their ids)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = urlsplit(os.environ.get("DATABASE_URL") or "postgresql:///hub")._replace(path=f"/{NAME}").geturl()
    environment = {
        **os.environ, "DATABASE_URL": url, "HUB_HTTPS": "false", "HUB_API_RATE_PER_MINUTE": "100000000",
        "HUB_DEMO": "false", "HUB_INDEX_FOLDER": str(index), "HUB_DEBUG": "false", "HUB_LOG_LEVEL": "INFO",
    }  # fmt: skip
    command = (
        f"-m gunicorn hub.wsgi:application --bind 127.0.0.1:{port} --worker-class gthread --workers {WORKERS}"
        " --threads 8 --log-level warning --no-control-socket"
    )
    with Path(os.devnull).open("w") as nowhere:  # the log of requests
        process = subprocess.Popen(  # noqa: S603 - nothing from outside
            [sys.executable, *command.split()], cwd=settings.BASE_DIR, env=environment, stderr=nowhere
        )
    try:
        wait_for(port)
        yield port, children_of(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port)) as one:
                one.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
                if b" 200 " in one.recv(100):
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise CommandError("gunicorn does not start.")


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in found.read_text().split()] if found.exists() else []


def cpu_seconds(pids: list[int]) -> float:
    """CPU time of these processes so far; 0 where there is no /proc."""
    total = 0.0
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():
            total += sum(int(part) for part in stat.read_text().rpartition(")")[2].split()[11:13])
    return total / os.sysconf("SC_CLK_TCK")


def backends() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [NAME])
        return [pid for (pid,) in cursor.fetchall()]


def values(type_: str, n: int, hits: float, count: int) -> list[str]:
    """Random hashes, of which a share is stored (or, for PDQ, within the threshold of a stored one)."""
    dice = random.Random(7)  # noqa: S311 - the same in every run
    with connection.cursor() as cursor:
        ids = [dice.randint(1, n // HOLDS * HOLDS) for _ in range(int(count * hits))]
        cursor.execute("SELECT value FROM sharing_indicator WHERE id = ANY(%s)", [ids])
        stored = [int.from_bytes(value, "big") for (value,) in cursor.fetchall()]
    if type_ == "pdq":
        stored = [value ^ sum(1 << bit for bit in dice.sample(range(256), FLIPPED)) for value in stored]
    found = [*stored, *(dice.getrandbits(256) for _ in range(count - len(stored)))]
    dice.shuffle(found)
    return [f"{value:064x}" for value in found]


def measure(port: int, pids: list[int], key: str, size: int, options: dict[str, Any]) -> dict[str, Any]:
    hashes = values(options["type"], options["n"], options["hits"], max(VARIANTS, 20 * size))
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
