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
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import msgspec

from .errors import BadSetting, HubClientError, UnreadableFile
from .hashing import FileHashes
from .signal_types import NAMES, InvalidValue
from .signal_types.video import MIN_FRAME_QUALITY
from .signals import NewSignal

_LISTS: Final = ("sharing_groups", "named_organisations")
_TEXTS: Final = (
    "external_id", "kind", "harm", "severity", "summary", "tlp", "confidence", "subject_role", "lawful_basis",
    "observed_at", "expires_at",
)  # fmt: skip
_OF_FILES: Final = ("file", "media", "size", "note")
_BESIDE: Final = ("platform", "pdq_quality")
COLUMNS: Final = (*_TEXTS, *_LISTS, *_BESIDE, *NAMES, *_OF_FILES)
_WITHOUT_QUALITY: Final = ("phash", "dhash")
_LONGEST_LINE: Final = 4 * 2**20  # characters; a video of 10,000 frames has a quarter of it


class BadRow(HubClientError):
    """A row that is no signal. `place` names it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row and where it stands: its signal, or what is wrong with it."""

    place: str
    signal: NewSignal | None
    problem: HubClientError | InvalidValue | None = None


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
            yield Row(outcome.path, None, outcome)
        else:
            yield _row(outcome.file, msgspec.to_builtins(outcome), defaults)


def _row(place: str, content: Any, defaults: Mapping[str, Any]) -> Row:
    try:
        if isinstance(content, BadRow):
            raise content
        signal = _signal(content, defaults).prepared()
        return Row(place, _with_reference(signal, content.get("sha256") if "file" in content else None))
    except msgspec.ValidationError as error:
        # Its words name fields and kinds of values, never a value itself.
        return Row(place, None, BadRow(f"{error}.", "See the columns in the documentation."))
    except (BadRow, InvalidValue) as error:
        return Row(place, None, error)


def _signal(content: Mapping[str, Any], defaults: Mapping[str, Any]) -> NewSignal:
    fields = {name: value for name, value in defaults.items() if value not in (None, "", [], ())}
    if "indicators" in content:
        fields |= {name: value for name, value in content.items() if name not in _OF_FILES}
        return _shaped(fields)
    unknown = sorted(set(content) - set(COLUMNS))
    if unknown:
        raise BadRow(f"There is no field {unknown[0]}.", _meant(unknown[0]))
    given = {name: value for name, value in content.items() if value not in ("", None)}
    platform = given.get("platform", "")
    fields |= {name: given[name] for name in _TEXTS if name in given}
    fields |= {name: _split(given[name]) for name in _LISTS if name in given}
    if fields.get("kind") == "account":
        fields["account"] = {"platform": platform}
    fields["indicators"] = _indicators(given, platform)
    return _shaped(fields)


def _shaped(fields: Mapping[str, Any]) -> NewSignal:
    if not fields.get("indicators"):
        raise BadRow("The row has no hash and no identifier.", "Add at least one.")
    for needed in ("harm", "severity"):
        if needed not in fields:
            raise BadRow(f"The row has no {needed}.", f"Add it, or give --{needed} for all rows.")
    # Not strict, for all of CSV is text: "50" is a number there.
    return msgspec.convert(fields, NewSignal, strict=False)


def _meant(unknown: str) -> str:
    close = get_close_matches(unknown.strip().lower(), COLUMNS, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known: {', '.join(COLUMNS)}."


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(";") if part.strip()] if isinstance(value, str) else value


def _indicators(given: Mapping[str, Any], platform: Any) -> list[dict[str, Any]]:
    found = []
    quality = given.get("pdq_quality")
    flat = quality is not None and str(quality).isdigit() and int(quality) < MIN_FRAME_QUALITY
    for name in NAMES:
        if name not in given or (flat and name in _WITHOUT_QUALITY):
            continue
        item: dict[str, Any] = {"type": name, "value": _value(name, given[name])}
        if name == "pdq" and quality is not None:
            item["quality"] = quality
        if name == "username":
            item["platform"] = platform
        found.append(item)
    return found


def _value(name: str, given: Any) -> Any:
    """The frames of a video are JSON in a cell of CSV; what is none is told by its type."""
    if name != "vpdq" or not isinstance(given, str):
        return given
    try:
        return msgspec.json.decode(given)
    except msgspec.DecodeError:
        return given


def _with_reference(signal: NewSignal, file_digest: Any) -> NewSignal:
    """Give a row without a reference one that follows from what is in it: sent again, it is the same signal."""
    if signal.external_id:
        return signal
    if file_digest:
        return msgspec.structs.replace(signal, external_id=f"file-{str(file_digest)[:40]}")
    if any(item.is_plain for item in signal.indicators):
        raise BadRow(
            "A row with an identifier needs an external_id.",
            "Add your own: one that was made of the identifier could be guessed back.",
        )
    return msgspec.structs.replace(signal, external_id=f"row-{digest_of(signal)[:40]}")


def digest_of(signal: NewSignal) -> str:
    """SHA-256 of all that would be sent, in hexadecimal digits."""
    return hashlib.sha256(msgspec.json.encode(signal, order="deterministic")).hexdigest()


def _csv_lines(path: Path) -> Iterator[tuple[int, Any]]:
    csv.field_size_limit(_LONGEST_LINE)
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, restkey="", restval="")
        try:
            unknown = [name for name in reader.fieldnames or () if name not in COLUMNS]
            if unknown:
                raise BadSetting(f"{path} has a column that is not known: {unknown[0]}.", _meant(unknown[0]))
            for content in reader:
                extra = content.pop("", None)
                too_many = BadRow("The row has too many columns.", "Check its quotes.")
                yield reader.line_num, too_many if extra else content
        except (csv.Error, UnicodeDecodeError):
            raise BadSetting(f"{path} is no CSV in UTF-8 after line {reader.line_num}.", "Mend it there.") from None


def _json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), start=1):
            if not line.strip():
                continue
            try:
                content = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                content = None
            if isinstance(content, dict):
                yield number, content
            else:
                yield number, BadRow("The line is not a JSON object.", "Write one signal in each line.")


_READERS: Final[dict[str, Callable[[Path], Iterator[tuple[int, Any]]]]] = {
    ".csv": _csv_lines,
    ".ndjson": _json_lines,
    ".jsonl": _json_lines,
}
