"""Real pictures: one photo and eleven edits of it, each submitted by another platform, find each other."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import imagehash
import pytest
from PIL import Image

from tests.whole.hub_process import HubProcess, pages

GROUP = "real-input"
THRESHOLDS = {"pdq": 31, "phash": 8, "dhash": 8}
STRANGER = "stranger"

Hashes = dict[str, str]  # signal type -> hexadecimal digits


@dataclass(frozen=True)
class Told:
    """What one platform is told: closest distances by type for each pair of pictures."""

    pairs: dict[frozenset[str], dict[str, int]]
    pictures: set[str]


def hashes(picture: Path, pdq: str) -> Hashes:
    with Image.open(picture) as image:
        return {"pdq": pdq, "phash": str(imagehash.phash(image)), "dhash": str(imagehash.dhash(image))}


@pytest.fixture(scope="module")
def pictures(reference: Path) -> dict[str, Hashes]:
    """Hashes of every reference picture by its path, PDQ as the reference implementations computed it."""
    with (reference / "pdq" / "expected.csv").open(newline="", encoding="utf-8") as table:
        pdq = {row["file"]: row["pdq_cpp_reference"] or row["pdq_python_reference"] for row in csv.DictReader(table)}
    return {file: hashes(reference / "pdq" / file, value) for file, value in sorted(pdq.items())}


@pytest.fixture(scope="module")
def told(hub: HubProcess, pictures: dict[str, Hashes]) -> dict[str, Told]:
    """Everything submitted, and what each platform can then read."""
    variants = [file for file in pictures if file.startswith("bridge-mods/")]
    platforms = {file: f"platform-{number}" for number, file in enumerate(variants)}
    keys = _keys(hub, [*platforms.values(), STRANGER])
    for file, found in pictures.items():
        with hub.client(keys[platforms.get(file, STRANGER)]) as client:
            answer = client.post("/api/v1/signals", json=signal(file, found))
            assert answer.status_code == 201, answer.text
    hub.wait_drained()
    return {platform: _told(hub, key) for platform, key in keys.items()}


def _keys(hub: HubProcess, platforms: list[str]) -> dict[str, str]:
    keys: dict[str, str] = hub.printed_by("-m", "tests.whole.members", GROUP, *platforms)
    return keys


def signal(file: str, found: Hashes) -> dict[str, Any]:
    return {
        # Others don't see it, so the summary carries the name too.
        "external_id": file,
        "summary": file,
        "kind": "content",
        "harm": "people_smuggling",
        "severity": "medium",
        "sharing_groups": [GROUP],
        "indicators": [{"type": kind, "value": value} for kind, value in found.items()],
    }


def _told(hub: HubProcess, key: str) -> Told:
    pairs: dict[frozenset[str], dict[str, int]] = {}
    with hub.client(key) as client:
        for row in pages(client, "/api/v1/matches"):
            for related in row["related"]:
                pair = frozenset({row["signal"]["summary"], related["signal"]["summary"]})
                pairs[pair] = {evidence["type"]: evidence["distance"] for evidence in related["evidence"]}
        seen = {row["summary"] for row in pages(client, "/api/v1/signals")}
    return Told(pairs, seen)


def distances(one: Hashes, other: Hashes) -> Iterator[tuple[str, int]]:
    """Types in which two pictures lie within the threshold, and how far apart they are."""
    for kind, threshold in THRESHOLDS.items():
        apart = (int(one[kind], 16) ^ int(other[kind], 16)).bit_count()
        if apart <= threshold:
            yield kind, apart


def test_all_edits_of_one_photo_find_each_other(told: dict[str, Told], pictures: dict[str, Hashes]) -> None:
    variants = [file for file in pictures if file.startswith("bridge-mods/")]
    assert len(variants) == 12
    due = {
        frozenset({one, other}): dict(distances(pictures[one], pictures[other]))
        for one, other in combinations(variants, 2)
    }
    # By PDQ every two of them are near; by the other two most are.
    assert all("pdq" in near for near in due.values())
    assert {kind for near in due.values() for kind in near} == set(THRESHOLDS)
    for platform, seen in told.items():
        assert seen.pairs == due, platform


def test_unrelated_pictures_match_nothing(told: dict[str, Told], pictures: dict[str, Hashes]) -> None:
    unrelated = {file for file in pictures if file.startswith("labelme-subset/")}
    assert len(unrelated) == 7
    for platform, seen in told.items():
        # They are there to be seen, and in no match.
        assert seen.pictures == set(pictures), platform
        assert not any(pair & unrelated for pair in seen.pairs), platform
