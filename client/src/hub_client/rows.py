"""Rows of a CSV or NDJSON file, and hashed files, as signals to be submitted.

A CSV file's columns are named by what they hold: `external_id`, `kind`, `harm`, `severity`, `summary`, `tlp`,
`confidence`, `subject_role`, `lawful_basis`, `observed_at`, `expires_at`, `platform`, `sharing_groups` and
`named_organisations` (several with a semicolon between them), `pdq_quality`, and a column for each signal type. A line
of NDJSON is a signal as the API takes it. Both may also be what `hub-client hash` wrote. What a row leaves out comes
from the defaults.
"""

from __future__ import annotations

import csv
import hashlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from .errors import BadSetting, Problem, UnreadableFile
from .hashing import FileHashes
from .shaping import COLUMNS, BadRow, bad_row, meant_by, signal_of
from .signals import NewSignal

_TOO_DEEP: Final = bad_row("The row is nested too deep.", "Write one signal in each line, as the API takes it.")
_LONGEST_LINE: Final = 4 * 2**20  # characters; a video of 10,000 frames has a quarter of it


@dataclass(frozen=True, slots=True)
class Row:
    """One row and where it stands: its signal, or what is wrong with it."""

    place: str
    signal: NewSignal | None
    problems: tuple[Problem, ...] = ()


def rows_of_file(path: Path, defaults: Mapping[str, Any]) -> Iterator[Row]:
    """The rows of a .csv, .ndjson or .jsonl file. Raises BadSetting for another kind of file or an unknown column."""
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise BadSetting(f"{path} is neither a folder nor CSV nor NDJSON.", "Name it .csv, .ndjson or .jsonl.")
    try:
        for number, content in read(path):
            yield _row(f"line {number}", content, defaults)
    except OSError as error:
        raise BadSetting(f"{path} can't be read: {error.strerror}.", "Check disk and rights.") from None


def rows_of_hashes(outcomes: Iterable[FileHashes | UnreadableFile], defaults: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each file."""
    for outcome in outcomes:
        if isinstance(outcome, UnreadableFile):
            yield Row(outcome.path, None, (Problem("", "unreadable_file", outcome.message, outcome.mend),))
        else:
            yield _row(outcome.file, msgspec.to_builtins(outcome), defaults)


def _row(place: str, content: Any, defaults: Mapping[str, Any]) -> Row:
    try:
        if isinstance(content, BadRow):
            raise content
        signal = signal_of(content, defaults)
        return Row(place, _with_reference(signal, content.get("sha256") if "file" in content else None))
    except BadRow as error:
        return Row(place, None, error.problems)
    except RecursionError:
        return Row(place, None, _TOO_DEEP.problems)


def _with_reference(signal: NewSignal, file_digest: Any) -> NewSignal:
    """Give a row without a reference one that follows from what is in it: sent again, it is the same signal."""
    if signal.external_id:
        return signal
    if file_digest:
        return msgspec.structs.replace(signal, external_id=f"file-{str(file_digest)[:40]}")
    if any(item.is_plain for item in signal.indicators):
        mend = "Add your own: one that was made of the identifier could be guessed back."
        raise bad_row("A row with an identifier needs an external_id.", mend, "/external_id", "required")
    return msgspec.structs.replace(signal, external_id=f"row-{digest_of(signal)[:40]}")


def digest_of(signal: NewSignal) -> str:
    """SHA-256 of all that would be sent, in hexadecimal digits."""
    return hashlib.sha256(msgspec.json.encode(signal, order="deterministic")).hexdigest()


def _csv_lines(path: Path) -> Iterator[tuple[int, Any]]:
    csv.field_size_limit(_LONGEST_LINE)
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, restkey="", restval="")
        try:
            for number, name in enumerate(reader.fieldnames or (), start=1):
                if name not in COLUMNS:
                    raise _unknown_column(path, number, name)
            for content in reader:
                extra = content.pop("", None)
                too_many = bad_row("The row has too many columns.", "Check its quotes.")
                yield reader.line_num, too_many if extra else content
        except (csv.Error, UnicodeDecodeError):
            raise BadSetting(f"{path} is no CSV in UTF-8 after line {reader.line_num}.", "Mend it there.") from None


def _unknown_column(path: Path, number: int, name: str) -> BadSetting:
    if meant := meant_by(name, COLUMNS):
        return BadSetting(f"{path} has a column that is not known: {name}.", f"Did you mean {meant}?")
    known = f"The first line names the columns; known: {', '.join(COLUMNS)}."
    return BadSetting(f"{path} has a column that is not known, number {number}.", known)


def _json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), start=1):
            if number == 1:
                line = line.removeprefix(BOM_UTF8)  # noqa: PLW2901 - some editors write it
            if not line.strip():
                continue
            try:
                content = msgspec.json.decode(line)
            except RecursionError:
                content = _TOO_DEEP
            except (msgspec.DecodeError, UnicodeDecodeError):
                content = None
            if isinstance(content, dict | BadRow):
                yield number, content
            else:
                yield number, bad_row("The line is not a JSON object.", "Write one signal in each line.")


_READERS: Final[dict[str, Callable[[Path], Iterator[tuple[int, Any]]]]] = {
    ".csv": _csv_lines,
    ".ndjson": _json_lines,
    ".jsonl": _json_lines,
}
