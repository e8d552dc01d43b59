"""manage.py bench_visibility: what a page of visible signals costs the database (floor 7).

The peer in the same run is the plain way: one query that filters all signals by the visibility rule and sorts.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from accounts.actor import Actor, actor_of_client
from accounts.models import ApiClient, Organisation
from sharing.management.scratch import cost_of, run_sql, scratch_database
from sharing.matching.selectors import MatchFilters, matches_count, matches_page
from sharing.signals.models import Signal
from sharing.signals.selectors import SignalFilters, capped_count, newest_page, with_details

PAGE: Final = 50
REPEATS: Final = 15
ORGANISATIONS: Final = 60
GROUPS: Final = 40

# Group g gets the signals of its own age band, so that low groups hold only old rows and high groups only new ones.
_FILL: Final = """
INSERT INTO auth_group (name) SELECT 'organisation ' || o FROM generate_series(1, %(organisations)s) o;
INSERT INTO accounts_organisation (uuid, name, slug, kind, country, status, group_id)
SELECT gen_random_uuid(), 'Member ' || row_number() OVER (ORDER BY id), 'member-' || row_number() OVER (ORDER BY id),
       'platform', 'GB', 'active', id FROM auth_group;
INSERT INTO sharing_sharinggroup (uuid, name, slug, purpose, harms, max_tlp, retention_days, status)
SELECT gen_random_uuid(), 'Group ' || g, 'group-' || g, 'bench', '{}', 'AMBER', 365, 'active'
  FROM generate_series(1, %(groups)s) g;
INSERT INTO sharing_sharinggroupgrant (content_object_id, group_id, permission_id, reason)
SELECT g.id, o.group_id, p.id, 'bench'
  FROM sharing_sharinggroup g CROSS JOIN accounts_organisation o
  JOIN auth_permission p ON p.codename = 'view_sharinggroup'
 WHERE (g.id + o.id * 7) %% %(groups)s < 11;
INSERT INTO sharing_signal (uuid, organisation_id, kind, harm, severity, confidence, tlp, subject_role, summary,
                            lawful_basis, retraction_reason, expires_at)
SELECT gen_random_uuid(), 1 + s %% %(organisations)s, 'content', (ARRAY['human_trafficking', 'people_smuggling',
       'other'])[1 + s %% 3], (ARRAY['low', 'medium', 'high', 'critical'])[1 + s %% 4], 50, 'AMBER', 'unknown',
       'word' || s %% 1000 || ' seen in an advert', '', '', now() + interval '1 year'
  FROM generate_series(1, %(signals)s) s;
INSERT INTO sharing_indicator (signal_type, value, key_id)
SELECT (ARRAY['pdq', 'sha256'])[1 + i %% 2], sha256(i::text::bytea), '' FROM generate_series(1, %(signals)s) i;
INSERT INTO sharing_signalindicator (signal_id, indicator_id)
SELECT s, s FROM generate_series(1, %(signals)s) s
UNION ALL
SELECT s, 1 + (s * 7919) %% %(signals)s FROM generate_series(1, %(signals)s) s
 WHERE (s * 7919) %% %(signals)s + 1 <> s;
INSERT INTO sharing_share (signal_id, sharing_group_id)
SELECT s, 1 + (s::bigint * (%(groups)s - 4) / (%(signals)s + 1) + random() * 4)::int %% %(groups)s
  FROM generate_series(1, %(signals)s) s;
INSERT INTO sharing_match (uuid, recipient_id, signal_id, strength, related_count, related, evidence, verdict, note)
SELECT gen_random_uuid(), 1 + s %% %(organisations)s, s, 1, 1, ARRAY[1 + (s * 7919) %% %(signals)s],
       '[]', (ARRAY['unreviewed', 'true_positive', 'disputed'])[1 + s %% 3], '' FROM generate_series(1, %(signals)s) s;
"""


class Command(BaseCommand):
    help = "Measures a page of 50 visible signals in a scratch database. Prints a table, and JSON with --json."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--signals", type=int, default=200_000)
        parser.add_argument("--json", action="store_true", help="end with one line of JSON")
        parser.add_argument("--explain", action="store_true", help="print the plan of the page query")

    def handle(self, *args: Any, **options: Any) -> None:
        with scratch_database():
            fill(options["signals"])
            rows = [measure(name, work) for name, work in scenarios()]
            if options["explain"]:
                self.explain()
        self.stdout.write(f"{options['signals']:,} signals, {GROUPS} groups, actors in 11 groups, page of {PAGE}\n")
        self.stdout.write(f"{'what':44} {'queries':>8} {'median ms':>10} {'worst ms':>9}\n")
        for row in rows:
            self.stdout.write(f"{row['what']:44} {row['queries']:8} {row['median_ms']:10.2f} {row['worst_ms']:9.2f}\n")
        if options["json"]:
            self.stdout.write(json.dumps({"signals": options["signals"], "page": PAGE, "rows": rows}))

    def explain(self) -> None:
        cost = cost_of(lambda: newest_page(fresh_actor(1), SignalFilters(), size=PAGE))
        sql, params = next((sql, params) for sql, params in cost.statements if "LATERAL" in sql)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
            for (line,) in cursor.fetchall():
                self.stdout.write(line)


def fill(signals: int) -> None:
    run_sql(_FILL, organisations=ORGANISATIONS, groups=GROUPS, signals=signals)
    for organisation in Organisation.objects.all():
        ApiClient.objects.create(organisation=organisation, name="bench")
    run_sql("ANALYZE")


def fresh_actor(organisation_id: int) -> Actor:
    """As each request makes one: nothing remembered."""
    clients = ApiClient.objects.select_related("organisation__group")
    return actor_of_client(clients.get(organisation=organisation_id))


def scenarios() -> list[tuple[str, Callable[[Actor], object]]]:
    oldest_first = Signal.objects.order_by("pk").values_list("pk", flat=True)
    middle = oldest_first[oldest_first.count() // 2]
    return [
        ("page", lambda actor: newest_page(actor, SignalFilters(), size=PAGE)),
        ("page, deep", lambda actor: newest_page(actor, SignalFilters(), before=middle, size=PAGE)),
        ("page, harm and severity", lambda actor: newest_page(
            actor, SignalFilters(harm="people_smuggling", severity="critical"), size=PAGE)),
        ("page, one type", lambda actor: newest_page(actor, SignalFilters(type="pdq"), size=PAGE)),
        ("page, a rare word", lambda actor: newest_page(actor, SignalFilters(text="word77"), size=PAGE)),
        ("inbox", lambda actor: matches_page(actor, MatchFilters(), size=PAGE)),
        ("inbox, not reviewed", lambda actor: matches_page(actor, MatchFilters(verdict="unreviewed"), size=PAGE)),
        ("inbox, capped count", lambda actor: matches_count(actor, MatchFilters())),
        ("capped count", lambda actor: capped_count(actor, SignalFilters())),
        ("peer: page by one filter over all", lambda actor: list(
            with_details(Signal.objects.visible_to(actor), actor).order_by("-pk")[:PAGE])),
    ]  # fmt: skip


def measure(name: str, work: Callable[[Actor], object]) -> dict[str, Any]:
    """Over several organisations, whose groups hold rows of different ages: the worst counts as much as the median."""
    costs = []
    work(fresh_actor(1))  # content types are read once in the life of a process
    for repeat in range(REPEATS):
        actor = fresh_actor(1 + repeat * 4 % ORGANISATIONS)
        costs.append(cost_of(lambda actor=actor: work(actor)))  # type: ignore[misc]
    times = [cost.milliseconds for cost in costs]
    return {
        "what": name,
        "queries": max(len(cost.statements) for cost in costs),
        "median_ms": round(statistics.median(times), 2),
        "worst_ms": round(max(times), 2),
    }
