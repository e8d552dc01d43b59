"""Times hashing: pictures a second on one core, and memory over many files.

make bench-client ARGS="--pictures 10000"
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # per core; before numpy is loaded

import numpy as np
import psutil
from PIL import Image

from hub_client.hashing import hash_file, hash_files
from hub_client.hashing.pdq import pdq
from hub_client.hashing.pictures import read_picture

DIFFERENT = 20
SIZE = (1600, 1004)
SMALL = (400, 251)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=10_000, help="for the memory")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = list(draw(Path(folder), SIZE))
        size = paths[0].stat().st_size // 1024
        print(f"{DIFFERENT} JPEGs of {SIZE[0]}x{SIZE[1]}, {size} KB each; in a second of one core:")
        print(f"  read and decoded       {rate(paths, read_picture):6.1f}")
        print(f"  and PDQ                {rate(paths, lambda path: pdq(read(path))):6.1f}")
        if library := library_pdq():
            print(f"  and PDQ by pdqhash     {rate(paths, lambda path: library(read(path))):6.1f}")
        print(f"  all hashes of a file   {rate(paths, hash_file):6.1f}")
        memory(Path(folder), wanted.pictures)


def draw(folder: Path, size: tuple[int, int]) -> Iterator[Path]:
    random = np.random.default_rng(1)
    for number in range(DIFFERENT):
        picture = Image.fromarray(random.integers(0, 256, (63, 100, 3), dtype=np.uint8))
        path = folder / f"{size[0]}-{number}.jpg"
        picture.resize(size, Image.Resampling.BICUBIC).save(path, quality=90)
        yield path


def read(path: Path) -> Image.Image:
    picture = read_picture(path)
    assert picture is not None
    return picture


def library_pdq() -> Callable[[Image.Image], object] | None:
    try:
        import pdqhash  # noqa: PLC0415 - a peer, measured where it is installed
    except ImportError:
        return None
    return lambda picture: pdqhash.compute(np.asarray(picture))


def rate(paths: list[Path], work: Callable[[Path], object]) -> float:
    work(paths[0])
    began = time.process_time()  # others may be using the machine
    for path in paths * 2:
        work(path)
    return 2 * len(paths) / (time.process_time() - began)


def memory(folder: Path, count: int) -> None:
    """Memory of this process and of its largest child while files go by: small ones, for their number counts."""
    paths = list(draw(folder, SMALL))
    began = time.perf_counter()
    print(f"{count} JPEGs of {SMALL[0]}x{SMALL[1]} in parallel:")
    here = psutil.Process()
    for done, _outcome in enumerate(hash_files(islice(cycle(paths), count)), start=1):
        if done in (count // 10, count // 2, count - 10):
            children = max(child.memory_info().rss for child in here.children())
            told = f"this process {here.memory_info().rss // 2**20} MB, the largest child {children // 2**20} MB"
            print(f"  after {done:6}: {told}", flush=True)
    print(f"  {count / (time.perf_counter() - began):.1f} files a second")


if __name__ == "__main__":
    main()
