"""manage.py bench_cluster: what a crowd of near-identical pictures costs (floor 7).

Each signal has a PDQ hash of its own, and all of them lie near each other: a picture that was changed ten thousand
times. They arrive from many organisations in turn and are matched as the worker would match them. Linear means: a
thousand more signals cost the same rows and the same seconds, however many there are already.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Iterator
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser

from accounts.actor import Actor, actor_of_client
from accounts.models import ApiClient, Organisation, all_scopes
from sharing.management.scratch import run_sql, scratch_database
from sharing.matching.floods.models import Flood, FloodNotice, FloodSignal
from sharing.matching.floods.selectors import floods_page
from sharing.matching.models import Match
from sharing.matching.selectors import MatchFilters, matches_page
from sharing.matching.services import match_signals
from sharing.signals.inputs import IndicatorInput, SignalInput
from sharing.signals.services import submit_signals
from sharing.visibility.models import SharingGroup

STEPS: Final = (1_000, 3_000, 10_000)
BATCH: Final = 100
REPEATS: Final = 9

_GRANTS: Final = """
INSERT INTO sharing_sharinggroupgrant (content_object_id, group_id, permission_id, reason)
SELECT g.id, o.group_id, p.id, 'bench'
  FROM sharing_sharinggroup g CROSS JOIN accounts_organisation o
  JOIN auth_permission p ON p.codename IN ('view_sharinggroup', 'contribute_sharinggroup')
"""


class Command(BaseCommand):
    help = "Measures a cluster of near-identical pictures in a scratch database. Prints a table, and JSON with --json."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--n", type=int, default=10_000, help="signals")
        parser.add_argument("--organisations", type=int, default=30)
        parser.add_argument("--bits", type=int, default=8, help="bits changed in each picture, of 256")
        parser.add_argument("--json", action="store_true", help="end with one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with scratch_database():
            rows = list(measured(options["n"], options["organisations"], options["bits"]))
        self.stdout.write(f"{options['organisations']} organisations in one group; matched {BATCH} at a time\n")
        self.stdout.write(f"{'signals':>8} {'matches':>8} {'notices':>8} {'members':>8} {'floods':>7}", ending="")
        self.stdout.write(f"{'seconds':>9} {'ms/signal':>10} {'inbox ms':>9}\n")
        for row in rows:
            counts = ("signals", "match_rows", "notice_rows", "flood_signal_rows")
            self.stdout.write(" ".join(f"{row[name]:8,}" for name in counts) + f" {row['floods']:7}", ending="")
            times = f"{row['seconds']:9.1f}{row['ms_per_signal_since_last']:11.2f}{row['inbox_ms']:10.1f}"
            self.stdout.write(times)
        if options["json"]:
            asked = {name: options[name] for name in ("n", "organisations", "bits")}
            self.stdout.write(json.dumps({**asked, "rows": rows}))


def measured(signals: int, organisations: int, bits: int) -> Iterator[dict[str, Any]]:
    """A row at each step: rows written and seconds of matching so far, and the inbox of one member."""
    actors = members(organisations)
    steps = sorted({step for step in STEPS if step < signals} | {signals})
    seconds, last_seconds, last = 0.0, 0.0, 0
    hashes = crowd(bits)
    for start in range(0, signals, BATCH):
        ids = submitted(actors, [next(hashes) for _ in range(min(BATCH, signals - start))])
        began = time.perf_counter()
        match_signals(ids)
        seconds += time.perf_counter() - began
        done = start + len(ids)
        if done >= steps[0]:
            run_sql("ANALYZE")
            yield {
                "signals": done,
                "match_rows": Match.objects.count(),
                "notice_rows": FloodNotice.objects.count(),
                "flood_signal_rows": FloodSignal.objects.count(),
                "floods": Flood.objects.count(),
                "seconds": round(seconds, 2),
                "ms_per_signal_since_last": round((seconds - last_seconds) * 1000 / (done - last), 2),
                "inbox_ms": inbox_milliseconds(actors[0]),
            }
            last, last_seconds = done, seconds
            steps = [step for step in steps if step > done]


def members(number: int) -> list[Actor]:
    """Organisations that all share with one group."""
    SharingGroup.objects.create(slug="bench", name="Bench", purpose="bench")
    for place in range(number):
        organisation = Organisation.objects.create(slug=f"member-{place}", name=f"Member {place}", kind="platform")
        ApiClient.objects.create(organisation=organisation, name="bench", scopes=all_scopes())
    run_sql(_GRANTS)
    clients = ApiClient.objects.select_related("organisation__group").order_by("pk")
    return [actor_of_client(client) for client in clients]


def crowd(bits: int) -> Iterator[str]:
    """PDQ hashes without end, each so many bits from one middle."""
    dice = random.Random(1)  # noqa: S311 - pictures, no secrets
    middle = dice.getrandbits(256)
    while True:
        yield f"{middle ^ sum(1 << bit for bit in dice.sample(range(256), bits)):064x}"


def submitted(actors: list[Actor], hashes: list[str]) -> list[int]:
    """Ids of new signals, one for each hash, from all organisations in turn."""
    ids = []
    for place, actor in enumerate(actors):
        items = [
            SignalInput(
                kind="content",
                harm="human_trafficking",
                severity="high",
                tlp="AMBER",
                sharing_groups=("bench",),
                indicators=(IndicatorInput("pdq", value),),
            )
            for value in hashes[place :: len(actors)]
        ]
        if items:
            outcomes = submit_signals(actor=actor, items=items)
            ids += [outcome.signal.pk for outcome in outcomes if outcome.signal is not None]
    return ids


def inbox_milliseconds(actor: Actor) -> float:
    """The inbox's first page with what is summarised above it: median, without drawing."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        matches_page(actor, MatchFilters(), size=26)
        floods_page(actor, size=5)
        times.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(times), 1)
