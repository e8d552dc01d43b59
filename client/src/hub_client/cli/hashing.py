"""hub-client hash"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TextIO

import msgspec
import typer

from hub_client.errors import BadSetting, UnreadableFile
from hub_client.hashing import FileHashes, files_in, hash_files

from .options import Processes
from .output import Code, complain, counted, ends_well, json_of, note, progress, shown, were

_COLUMNS: Final = FileHashes.__struct_fields__


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


@ends_well
def hash_command(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; hidden files in folders are left out.")],
    format: Annotated[Format, typer.Option("--format", help="Of what is printed.")] = Format.NDJSON,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write there instead of printing.")] = None,
    processes: Processes = None,
) -> None:
    """Hash pictures, videos and other files. Nothing is sent anywhere.

    Prints a line for each file: MD5 and SHA-256, of pictures PDQ, pHash and dHash, of videos the PDQ hashes of their
    frames (vPDQ). Files that can't be read are named on the error stream, and the exit code is then 1.
    """
    files = list(files_in(paths))
    bad = noted = 0
    with _opened(output) as target, progress() as bar:
        task = bar.add_task("Hashing", total=len(files))
        write = _csv_writer(target) if format is Format.CSV else _json_writer(target)
        for outcome in hash_files(files, processes=processes):
            if isinstance(outcome, UnreadableFile):
                bad += 1
                complain(outcome)
            else:
                noted += bool(outcome.note)
                write(outcome)
            bar.advance(task)
    if noted:
        note(f"Of {counted(noted, 'file')} only the file itself was hashed: `note` says why.")
    if bad:
        good = len(files) - bad
        note(f"{good} of {counted(len(files), 'file')} {were(good)} hashed; {bad} could not be read.")
        raise typer.Exit(Code.IN_PART)


def _json_writer(target: TextIO) -> Callable[[FileHashes], object]:
    return lambda found: target.write(f"{json_of(found)}\n")


def _csv_writer(target: TextIO) -> Callable[[FileHashes], object]:
    table = csv.DictWriter(target, _COLUMNS, lineterminator="\n")
    table.writeheader()

    def write(found: FileHashes) -> None:
        cells = msgspec.to_builtins(found) | {"file": shown(found.file)}
        if found.vpdq:
            cells["vpdq"] = msgspec.json.encode(found.vpdq).decode()
        table.writerow(cells)

    return write


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise BadSetting(f"{output} can't be written: {error.strerror}.", "Check folder, disk and rights.") from None
