"""manage.py bench_identifiers: what evaluating blinded identifiers costs through the whole web process (floor 7).

Starts gunicorn against a scratch database as in production, and drives it from another process. The CPU times hold on a
busy machine too, where identifiers a second do not.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actor import actor_of_client
from accounts.identifier_use import IdentifierDay
from accounts.models import ApiClient, Organisation
from sharing import oprf
from sharing.management.corpus import make_key
from sharing.management.load import drive, post
from sharing.management.running import WEB, cpu_seconds, running
from sharing.management.scratch import scratch_database
from sharing.signals.evaluation import MOST_ELEMENTS, evaluate_identifiers, published_keys

PATH: Final = "/api/v1/identifiers/evaluate"
CONNECTIONS: Final = 8
SIZES: Final = (1, 500, MOST_ELEMENTS)
# Requests of each size that are prepared.
VARIANTS: Final = 20
_NO_LIMIT: Final = 2_000_000_000


class Command(BaseCommand):
    help = (
        "Measures the evaluation of blinded identifiers through gunicorn, one by one and in batches of 500 and 1,000."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
        parser.add_argument("--json", action="store_true", help="print one line of JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        with scratch_database(), tempfile.TemporaryDirectory() as folder:
            for slug in ("member-1", "member-2"):
                Organisation.objects.create(slug=slug, name=slug, kind="platform", identifiers_per_day=_NO_LIMIT)
            key = make_key("member-1")
            check(ApiClient.objects.select_related("organisation__group").get())
            with running(Path(folder), WEB) as (port, pids):
                rows = [measure(port, pids, key, size, options["seconds"]) for size in SIZES]
            counted = sum(IdentifierDay.objects.values_list("identifiers", flat=True))
        if options["json"]:
            shown = {"seconds": options["seconds"], "connections": CONNECTIONS, "counted": counted, "rows": rows}
            self.stdout.write(json.dumps(shown))
            return
        self.stdout.write(f"2 workers, {CONNECTIONS} connections; {counted:,} identifiers were counted")
        self.stdout.write("  ".join(f"{name:>20}" for name in rows[0]))
        for row in rows:
            self.stdout.write("  ".join(f"{value:>20,}" for value in row.values()))


def blinded(number: int) -> list[oprf.Blinded]:
    return [oprf.blind(oprf.token_message("email", f"email:{place}@example.org".encode())) for place in range(number)]


def check(client: ApiClient) -> None:
    """What is measured must be right: a batch of full size is finalised, and its proof with it."""
    actor, sent = actor_of_client(client), blinded(MOST_ELEMENTS)
    done = evaluate_identifiers(actor=actor, elements=[one.element.hex() for one in sent])
    oprf.finalize(sent, done.elements, done.proof, published_keys(actor=actor)[0].public_key)


def measure(port: int, pids: list[int], key: str, size: int, seconds: float) -> dict[str, Any]:
    requests = [
        post(PATH, key, json.dumps({"elements": [one.element.hex() for one in blinded(size)]}).encode())
        for _ in range(VARIANTS)
    ]
    drive(port, requests, connections=CONNECTIONS, seconds=1)  # warm
    before = cpu_seconds(pids)
    took = drive(port, requests, connections=CONNECTIONS, seconds=seconds)
    spent = cpu_seconds(pids) - before
    if not took:
        raise CommandError("No answer came in time: take more seconds.")
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return {
        "elements": size,
        "identifiers/s": round(size * len(took) / seconds),
        "p50 ms": round(cuts[49], 2),
        "p95 ms": round(cuts[94], 2),
        "CPU µs an identifier": round(spent / len(took) / size * 1_000_000, 1),
    }
