"""Many files at once, in processes of their own: what a hostile file does to a decoder stays there."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Final

from hub_client.errors import UnreadableFile

from .files import FileHashes, hash_file
from .pictures import MOST_PIXELS

# Files handed out to each process beforehand: enough that none waits, few enough that the memory stays flat.
_AHEAD: Final = 4
_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_CRASHED: Final = "Reading this file ended the process that read it."

Outcome = FileHashes | UnreadableFile


def files_in(paths: Iterable[str | os.PathLike[str]]) -> Iterator[str]:
    """The files among `paths` and in the folders among them, in the order of their names; hidden ones are left out.

    Links to folders are not followed. A path that does not exist is given as it is: hashing names it.
    """
    for path in paths:
        if not Path(path).is_dir():
            yield os.fspath(path)
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                whole = Path(folder, name)
                if not name.startswith(".") and whole.is_file():
                    yield str(whole)


def hash_files(
    paths: Iterable[str | os.PathLike[str]], *, processes: int | None = None, most_pixels: int = MOST_PIXELS
) -> Iterator[Outcome]:
    """Hash files in parallel; gives an outcome for each, in the order in which they were named.

    A file that can't be hashed gives its UnreadableFile instead of raising it, also when it makes the process that
    reads it crash. `processes` is one for each core, or as many as you say; 0 reads them in this process. The processes
    are spawned, so a script that calls this needs its `if __name__ == "__main__":`.
    """
    count = cores() if processes is None else processes
    if count == 0:
        for path in paths:
            yield _outcome(os.fspath(path), most_pixels)
        return
    waiting: Iterator[str] = (os.fspath(path) for path in paths)
    first_ones = list(islice(waiting, count))
    if not first_ones:
        return
    waiting, count = chain(first_ones, waiting), len(first_ones)  # to start a process takes longer than most files
    running: deque[tuple[str, Future[Outcome]]] = deque()
    pool = _pool(count)
    try:
        while True:
            for path in islice(waiting, count * _AHEAD - len(running)):
                running.append((path, _begun(pool, path, most_pixels)))
            if not running:
                return
            first, future = running.popleft()
            try:
                outcome = future.result()
            except BrokenProcessPool:
                # Some file that was being read is to blame; each of them gets a process to itself.
                pool.shutdown()
                broken = [first, *(path for path, _future in running)]
                running.clear()
                yield from (_alone(path, most_pixels) for path in broken)
                pool = _pool(count)
            else:
                yield outcome
    finally:
        pool.shutdown(cancel_futures=True)


def _begun(pool: ProcessPoolExecutor, path: str, most_pixels: int) -> Future[Outcome]:
    try:
        return pool.submit(_outcome, path, most_pixels)
    except BrokenProcessPool as error:  # it broke while nobody was waiting for it
        broken: Future[Outcome] = Future()
        broken.set_exception(error)
        return broken


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _pool(processes: int) -> ProcessPoolExecutor:
    # Spawned, because a fork would copy the locks of the threads that run here.
    with _environment():
        pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_live_with_the_parent)
        for started in [pool.submit(os.getpid) for _process in range(processes)]:
            started.result()
    return pool


def _live_with_the_parent() -> None:
    """Ctrl-C reaches every process of a terminal, and ending is the parent's business; killed, it can't see to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    Thread(target=follow, daemon=True).start()


@contextmanager
def _environment() -> Iterator[None]:
    """Each process is one of many: threads of its own for its matrices would only take the cores from the others."""
    missing = [name for name in _ONE_THREAD if name not in os.environ]
    os.environ.update(dict.fromkeys(missing, "1"))
    try:
        yield
    finally:
        for name in missing:
            del os.environ[name]


def _outcome(path: str, most_pixels: int) -> Outcome:
    try:
        return hash_file(path, most_pixels=most_pixels)
    except UnreadableFile as error:
        return error


def _alone(path: str, most_pixels: int) -> Outcome:
    with _pool(1) as pool:
        try:
            return pool.submit(_outcome, path, most_pixels).result()
        except BrokenProcessPool:
            return UnreadableFile(path, _CRASHED, "It may have been made to do that: handle it with care.")
