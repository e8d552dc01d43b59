"""manage.py bench_feed: a member reads all that it sees through the feed, and then asks for what is new (floor 7).

Fills a scratch database, starts gunicorn against it as in production, and reads over HTTP with one connection, as a
client does: the next page is asked for when the one before has been read as JSON.
"""

from __future__ import annotations

import gzip
import json
import statistics
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from accounts.actor import actor_of_client
from accounts.models import ApiClient
from hub.postgresql import prepared_cursor
from sharing.feeds.services import MOST, read_feed
from sharing.management.corpus import fill, make_key
from sharing.management.running import WEB, cpu_seconds, running
from sharing.management.scratch import NAME, cost_of, run_sql, scratch_database

POLLS: Final = 200
OK: Final = (200, 304)
# The reader sees every group, and so every signal.
_SEES_ALL: Final = """
INSERT INTO sharing_sharinggroupgrant (content_object_id, group_id, permission_id, reason)
SELECT shared.id, reader.group_id, permission.id, 'bench'
  FROM sharing_sharinggroup AS shared CROSS JOIN accounts_organisation AS reader
  JOIN auth_permission AS permission ON permission.codename = 'view_sharinggroup'
 WHERE reader.slug = 'member-1' ON CONFLICT DO NOTHING
"""


class Command(BaseCommand):
    help = "Measures reading all signals through the feed, and asking for nothing new, through gunicorn."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--n", type=int, default=1_000_000, help="signals, all of which the reader sees")
        parser.add_argument("--holds", type=int, default=2, help="indicators of a signal")
        parser.add_argument("--groups", type=int, default=20, help="groups, in all of which the reader is")
        parser.add_argument("--limit", type=int, default=MOST, help="entries in a page")
        parser.add_argument("--plain", action="store_true", help="without compression")
        parser.add_argument("--without-statistics", action="store_true", help="as after an import, before any ANALYZE")
        parser.add_argument("--explain", action="store_true", help="print the plans of a page's statements and stop")
        parser.add_argument("--json", action="store_true", help="print one line of JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        with scratch_database():
            began = time.perf_counter()
            fill(
                n=options["n"] * options["holds"], groups=options["groups"] // 2, signal_type="sha256",
                holds=options["holds"], analysed=not options["without_statistics"],
            )  # fmt: skip
            run_sql(_SEES_ALL)
            filled = time.perf_counter() - began
            key = make_key("member-1")
            if options["explain"]:
                self.explain(options["limit"])
                return
            with tempfile.TemporaryDirectory() as folder, running(Path(folder), WEB) as (port, pids):
                row = measure(Reader(port, key, options), pids)
        shown = {name: options[name] for name in ("n", "holds", "groups", "limit", "plain", "without_statistics")}
        row = {**shown, "fill s": round(filled, 1), **row}
        if options["json"]:
            self.stdout.write(json.dumps(row))
            return
        for name, value in row.items():
            self.stdout.write(f"{name:20} {value:>14,}")

    def explain(self, limit: int) -> None:
        client = ApiClient.objects.select_related("organisation__group").get(organisation__slug="member-1")

        def ask(cursor: str) -> str:
            return read_feed(actor=actor_of_client(client), cursor=cursor, types=(), group="", limit=limit).cursor

        second = ask("")
        for sql, params in cost_of(lambda: ask(second)).statements:
            with prepared_cursor() as cursor:
                if params and "sharing_" in sql and "INSERT" not in sql:
                    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
                    self.stdout.write("\n".join([sql, *(line for (line,) in cursor.fetchall())]))


class Reader:
    def __init__(self, port: int, key: str, options: dict[str, Any]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"Authorization": f"Bearer {key}"}
        if not options["plain"]:
            self._headers["Accept-Encoding"] = "gzip"
        self._limit = options["limit"]
        self.cursor, self.etag = "", ""
        self.bytes = 0

    def ask(self) -> dict[str, Any] | None:
        """A page; None when there is nothing new."""
        path = f"/api/v1/feed?limit={self._limit}" + (f"&cursor={self.cursor}" if self.cursor else "")
        headers = {**self._headers, **({"If-None-Match": self.etag} if self.etag else {})}
        try:
            self._connection.request("GET", path, headers=headers)
            answer = self._connection.getresponse()
        except ConnectionError:  # kept open for two seconds only
            self._connection.close()
            return self.ask()
        body = answer.read()
        if answer.status not in OK:
            raise CommandError(f"The feed answered {answer.status}: {body[:1_000]!r}")
        self.etag = answer.headers.get("ETag", "")
        self.bytes += len(body)
        if not body:
            return None
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        page: dict[str, Any] = json.loads(body)
        self.cursor = page["cursor"]
        return page


def backends() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [NAME])
        return [pid for (pid,) in cursor.fetchall()]


def measure(reader: Reader, pids: list[int]) -> dict[str, Any]:
    known: set[str] = set()
    took: list[float] = []
    began, web = time.perf_counter(), cpu_seconds(pids)
    # Connections are renewed once a minute.
    database: dict[int, float] = {}
    more = True
    while more:
        asked = time.perf_counter()
        page = reader.ask()
        assert page is not None
        took.append(time.perf_counter() - asked)
        known.update(entry["id"] for entry in page["entries"])
        more = page["more"]
        database |= {pid: cpu_seconds([pid]) for pid in backends()}
    spent, web = time.perf_counter() - began, cpu_seconds(pids) - web
    reader.ask()
    polls = []
    for _ in range(POLLS):
        asked = time.perf_counter()
        if reader.ask() is not None:
            raise CommandError("Something new, where nothing was written.")
        polls.append(time.perf_counter() - asked)
    return {
        "read": len(known),
        "read s": round(spent, 1),
        "signals/s": round(len(known) / spent),
        "pages": len(took),
        "page p50 ms": round(statistics.median(took) * 1000),
        "page worst ms": round(max(took) * 1000),
        "MB": round(reader.bytes / 1e6, 1),
        "web CPU s": round(web, 1),
        "db CPU s": round(sum(database.values()), 1),
        "poll p50 ms": round(statistics.median(polls) * 1000, 2),
        "poll p99 ms": round(sorted(polls)[int(len(polls) * 0.99)] * 1000, 2),
    }
