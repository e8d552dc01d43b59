"""manage.py bench_matching: the near index beside a linear scan and its peers, in one run (floor 7).

Threshold 31 bits of 256. Each engine gets the same hashes and the same queries, on one thread; rounds of all engines
take turns and the median counts, because a machine is not the same from one minute to the next.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from django.core.management.base import BaseCommand, CommandParser

from sharing.management.contenders import THRESHOLD, Answer, Contender, contenders
from sharing.management.hashes import Hashes, clustered, flipped, uniform

SIZE: Final = 32
QUERIES: Final = 20_000
BATCH: Final = 500
ROUNDS: Final = 3
# Queries whose answers are compared with the scan's.
CHECKED: Final = 200


class Command(BaseCommand):
    # Neither the database nor a key is touched.
    requires_system_checks = []
    help = "Measures near matching of PDQ hashes against a linear scan, faiss and threatexchange's PDQIndex."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--n", type=int, default=1_000_000, help="stored hashes")
        parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
        parser.add_argument("--engine", action="append", default=[], help="only this one; may be repeated")
        parser.add_argument("--json", action="store_true", help="end with one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        rows, results = options["n"], {}
        for kind, stored in (("uniform", uniform(rows, SIZE)), ("clustered", clustered(rows, SIZE, THRESHOLD))):
            self.stdout.write(f"\n{rows:,} PDQ hashes, {kind}, within {THRESHOLD} bits, one thread")
            results[kind] = self.measure(stored, options["engine"], options["seconds"])
            gc.collect()
        if options["json"]:
            self.stdout.write(json.dumps({"n": rows, "engines": merged(results)}))

    def measure(self, stored: Hashes, only: list[str], seconds: float) -> dict[str, dict[str, float]]:
        queries = queries_for(stored)
        built: dict[str, Contender] = {}
        rows: dict[str, dict[str, float]] = {}
        for name, build in contenders(only):
            if isinstance(build, str):
                self.stdout.write(f"{name} is left out: {build}")
                continue
            began = time.perf_counter()
            built[name] = build(stored)
            rows[name] = {"build_s": round(time.perf_counter() - began, 2)}
            rows[name]["bytes_per_hash"] = round(built[name].size / len(stored), 1)
        truth = truth_of(built, stored, queries)
        for name, contender in built.items():
            rows[name]["recall"] = recall(contender.batch(queries[: len(truth)]), truth)
        rates = {name: ([], []) for name in built}  # type: dict[str, tuple[list[float], list[float]]]
        for _ in range(ROUNDS):
            for name, contender in built.items():
                rates[name][0].append(rate(contender.single, queries, 1, seconds / ROUNDS))
                rates[name][1].append(rate(contender.batch, queries, BATCH, seconds / ROUNDS))
        for name, (single, batch) in rates.items():
            rows[name] |= {"single_qps": round(statistics.median(single)), "batch_qps": round(statistics.median(batch))}
        self.table(rows)
        return rows

    def table(self, rows: dict[str, dict[str, float]]) -> None:
        self.stdout.write(
            f"{'engine':12} {'single q/s':>11} {'batch q/s':>11} {'build s':>9} {'bytes/hash':>11} recall"
        )
        for name, row in rows.items():
            self.stdout.write(
                f"{name:12} {row['single_qps']:11,.0f} {row['batch_qps']:11,.0f} {row['build_s']:9.2f}"
                f" {row['bytes_per_hash']:11.1f} {row['recall']:.4f}"
            )


def queries_for(stored: Hashes) -> Hashes:
    """One in ten is near a stored hash, as far as the threshold and a little further; the others are new."""
    dice = np.random.default_rng(7)
    queries = uniform(QUERIES, SIZE, seed=8)
    near = np.arange(0, QUERIES, 10)  # some among the first too, whose answers are checked
    originals = stored[dice.integers(0, len(stored), len(near))]
    queries[near] = flipped(originals, dice.integers(0, THRESHOLD + 8, len(near)), dice)
    return queries


def truth_of(built: dict[str, Contender], stored: Hashes, queries: Hashes) -> Answer:
    """By the plain scan, counted anew here when it is not among the contenders."""
    checked = queries[: max(20, min(CHECKED, 200_000_000 // max(len(stored), 1)))]
    if "linear" in built:
        return built["linear"].batch(checked)
    return dict(contenders(["linear"]))["linear"](stored).batch(checked)  # type: ignore[operator]


def recall(answer: Answer, truth: Answer) -> float:
    """The share of the scan's hits that were found. NaN where an engine finds what the scan does not,
    and where there is nothing to find."""
    if any(found - true for found, true in zip(answer, truth, strict=True)):
        return float("nan")
    hits = sum(len(true) for true in truth)
    if not hits:
        return float("nan")
    return sum(len(found & true) for found, true in zip(answer, truth, strict=True)) / hits


def rate(ask: Callable[[Hashes], Answer], queries: Hashes, at_once: int, seconds: float) -> float:
    """Queries answered in a second."""
    ask(queries[:at_once])  # warm
    began, answered = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        at = answered % len(queries)
        ask(queries[at : at + at_once])
        answered += len(queries[at : at + at_once])
    return answered / spent


def merged(results: dict[str, dict[str, dict[str, float]]]) -> list[dict[str, Any]]:
    """One entry for each engine: rates at evenly spread hashes, those at clustered ones named so, the worse recall."""
    return [
        {
            "engine": name,
            **row,
            "recall": min(row["recall"], results["clustered"][name]["recall"]),
            "clustered_single_qps": results["clustered"][name]["single_qps"],
            "clustered_batch_qps": results["clustered"][name]["batch_qps"],
        }
        for name, row in results["uniform"].items()
    ]
