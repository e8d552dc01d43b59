"""Times a copy: storing pages of the feed, and looking up in it.

make bench-copies ARGS="--signals 1000000"
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import msgspec
import psutil

from hub_client import Indicator, LocalCopy
from hub_client.answers import FeedPage
from hub_client.copies import CopyWriter
from hub_client.copies.file import Owner

PAGE = 5_000
ASKED = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, default=200_000, help="each with a PDQ and an MD5")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.sqlite"
        spent = 0.0
        with CopyWriter(path) as writer:
            writer.belong(Owner("https://hub.example", "bench"))
            writer.keep_thresholds({"pdq": 31})
            for page in pages(wanted.signals):
                began = time.perf_counter()
                writer.apply(page)
                spent += time.perf_counter() - began
        size = path.stat().st_size // 2**20
        print(f"{wanted.signals:,} signals: stored {wanted.signals / spent:,.0f} a second, {size} MB")
        with LocalCopy(path) as copy:
            print(f"first look-up, which reads all hashes of its type: {seconds(copy, 'pdq', 1):.2f} s")
            for kind in ("pdq", "md5"):
                print(f"a look-up by {kind}: {1000 * seconds(copy, kind, ASKED) / ASKED:.2f} ms")
        print(f"memory {psutil.Process().memory_info().rss // 2**20} MB")


def pages(signals: int) -> Iterator[FeedPage]:
    for start in range(0, signals, PAGE):
        entries = [one(start + number) for number in range(min(PAGE, signals - start))]
        body = {"entries": entries, "cursor": str(start), "more": start + PAGE < signals}
        yield msgspec.json.decode(msgspec.json.encode(body), type=FeedPage)


def one(number: int) -> dict[str, object]:
    at, uuid = "2100-01-01T00:00:00Z", str(uuid4())
    signal = {
        "id": uuid, "organisation": "other", "external_id": None, "kind": "content", "harm": "people_smuggling",
        "severity": "high", "confidence": 50, "tlp": "GREEN", "subject_role": "unknown", "state": "active",
        "summary": f"Boats leave at night, number {number}.", "lawful_basis": "", "observed_at": None,
        "expires_at": at, "created_at": at, "updated_at": at, "sharing_groups": ["watch"], "account": None,
        "indicators": [
            {"type": "pdq", "value": os.urandom(32).hex(), "key_id": "", "quality": 90},
            {"type": "md5", "value": os.urandom(16).hex(), "key_id": "", "quality": None},
        ],
    }  # fmt: skip
    return {"id": uuid, "change": "upsert", "signal": signal}


def seconds(copy: LocalCopy, kind: str, count: int) -> float:
    items = [Indicator(kind, os.urandom(32 if kind == "pdq" else 16).hex()) for _ in range(count)]
    began = time.perf_counter()
    copy.look_up(items)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
