"""Folders are hashed in parallel, in order, and no file ends the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from PIL import Image

from hub_client.errors import UnreadableFile
from hub_client.hashing import FileHashes, files_in, hash_file, hash_files, parallel


@pytest.fixture
def folder(tmp_path: Path, photo: Image.Image) -> Path:
    for number in range(6):
        photo.rotate(number * 7).save(tmp_path / f"{number}.png")
    (tmp_path / "3b.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (tmp_path / "deeper").mkdir()
    photo.save(tmp_path / "deeper" / "7.png")
    (tmp_path / ".hidden.png").write_bytes(b"x")
    return tmp_path


def test_files_of_folders_come_in_the_order_of_their_names(folder: Path) -> None:
    found = [os.path.relpath(path, folder) for path in files_in([folder, folder / "gone.png"])]

    assert found == ["0.png", "1.png", "2.png", "3.png", "3b.jpg", "4.png", "5.png", "deeper/7.png", "gone.png"]


@pytest.mark.parametrize("processes", [0, 1, 2])
def test_every_file_has_an_outcome_in_its_place_and_bad_ones_are_named(folder: Path, processes: int) -> None:
    paths = list(files_in([folder]))

    outcomes = list(hash_files(paths, processes=processes))

    assert len(outcomes) == len(paths)
    for path, outcome in zip(paths, outcomes, strict=True):
        if path.endswith("3b.jpg"):
            assert isinstance(outcome, UnreadableFile)
            assert outcome.path == path
        else:
            assert outcome == hash_file(path)


def test_a_file_that_ends_its_process_is_named_and_the_rest_is_hashed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "_outcome", deadly)

    outcomes = list(hash_files([str(folder / f"{number}.png") for number in range(6)], processes=2))

    assert [type(outcome) for outcome in outcomes] == [FileHashes, FileHashes, UnreadableFile, *[FileHashes] * 3]
    assert str(outcomes[2]).startswith(str(folder / "2.png"))


def deadly(path: str, most_pixels: int) -> FileHashes:
    """As a decoder with a fault that a file was made for."""
    if path.endswith("2.png"):
        os._exit(11)
    return hash_file(path, most_pixels=most_pixels)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_lives_on_when_the_one_that_started_it_ends(folder: Path, how: signal.Signals) -> None:
    program = f"""
from itertools import cycle
from hub_client.hashing import hash_files
if __name__ == "__main__":
    for outcome in hash_files(cycle([{str(folder / "1.png")!r}]), processes=2):
        print(outcome.md5, flush=True)
"""
    script = folder / "program.py"
    script.write_text(program)
    source = str(Path(parallel.__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": source},
        text=True,
        process_group=0,
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        children = psutil.Process(parent.pid).children(recursive=True)
        assert children
        os.killpg(parent.pid, how) if how == signal.SIGINT else parent.kill()
        _gone, left = psutil.wait_procs(children, timeout=30)
        assert left == []
        parent.wait(30)
        assert parent.stderr is not None
        if how == signal.SIGINT:
            assert parent.stderr.read().count("Traceback") == 1  # the program's own
