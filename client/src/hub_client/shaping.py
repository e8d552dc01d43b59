"""What a row holds, as the signal that it means; and what is wrong with it, told by the names of its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from .errors import HubClientError, Problem
from .signal_types import NAMES, InvalidValue
from .signal_types.video import MIN_FRAME_QUALITY
from .signals import Account, Indicator, NewSignal
from .words import not_allowed

_LISTS: Final = ("sharing_groups", "named_organisations")
_MOMENTS: Final = ("observed_at", "expires_at")
_TEXTS: Final = (
    "external_id", "kind", "harm", "severity", "summary", "tlp", "confidence", "subject_role", "lawful_basis",
    *_MOMENTS,
)  # fmt: skip
OF_FILES: Final = ("file", "media", "size", "note")
_BESIDE: Final = ("platform", "pdq_quality")
COLUMNS: Final = (*_TEXTS, *_LISTS, *_BESIDE, *NAMES, *OF_FILES)
_WITHOUT_QUALITY: Final = ("phash", "dhash")
_LONGEST_NAME: Final = 30
_NUMBER: Final = "A whole number from 0 to 100 is expected."
_MOMENT: Final = "A date or a moment is expected, such as 2026-11-26 or 2026-11-26T10:00:00Z."
_SHORT_NAMES: Final = "A list of short names is expected."
_EXPECTED: Final = {
    "confidence": _NUMBER, "quality": _NUMBER, "observed_at": _MOMENT, "expires_at": _MOMENT, "enforced_at": _MOMENT,
    "sharing_groups": _SHORT_NAMES, "named_organisations": _SHORT_NAMES, "behaviours": "A list of texts is expected.",
    "indicators": "A list of objects with type and value is expected.", "account": "An object is expected.",
    "value": "A text is expected, or for vpdq a list.",
}  # fmt: skip
_LISTED: Final = {
    "indicators": "An object with type and value is expected.", "sharing_groups": "A text is expected.",
    "named_organisations": "A text is expected.", "behaviours": "A text is expected.",
}  # fmt: skip
_SHAPES: Final = {"indicators": Indicator, "account": Account}
_PERCENT: Final = re.compile("[0-9]{1,3}")
_UNKNOWN: Final = re.compile("unknown field `(.*?)`")
_MISSING: Final = re.compile("missing required field `(.*?)`")
_PLACE: Final = re.compile(r" - at `\$(.*)`$")


class BadRow(HubClientError):
    """A row that is no signal: `problems` name the fields, by JSON pointers into the row as it was given."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def bad_row(message: str, mend: str, path: str = "", code: str = "invalid") -> BadRow:
    return BadRow(Problem(path, code, message, mend))


def signal_of(content: Mapping[str, Any], defaults: Mapping[str, Any]) -> NewSignal:
    """The signal, prepared; what the row leaves out comes from the defaults. Raises BadRow."""
    fields = {name: value for name, value in defaults.items() if value not in (None, "", [], ())}
    if "indicators" in content:
        return _shaped(fields | {name: value for name, value in content.items() if name not in OF_FILES})
    unknown = sorted(set(content) - set(COLUMNS))
    if unknown:
        raise BadRow(*(unknown_field("", name, COLUMNS) for name in unknown))
    given = {name: value for name, value in content.items() if value not in ("", None)}
    platform = given.get("platform", "")
    fields |= {name: given[name] for name in _TEXTS if name in given}
    fields |= {name: _split(given[name]) for name in _LISTS if name in given}
    if fields.get("kind") == "account":
        fields["account"] = {"platform": platform}
    fields["indicators"] = _indicators(given, platform)
    try:
        return _shaped(fields)
    except BadRow as error:
        names = [item["type"] for item in fields["indicators"]]
        raise BadRow(*(_by_column(problem, names) for problem in error.problems)) from None


def unknown_field(path: str, name: str, known: Sequence[str]) -> Problem:
    if meant := meant_by(name, known):
        return Problem(path, "unknown_field", f"There is no field {name}.", f"Did you mean {meant}?")
    return Problem(path, "unknown_field", "There is a field that is not known.", f"Known: {', '.join(known)}.")


def meant_by(name: str, known: Sequence[str]) -> str:
    """Only a misspelt name may be told. Anything else may be an identifier in the wrong place."""
    tellable = len(name) <= _LONGEST_NAME and name.isascii() and name.isidentifier()
    return next(iter(get_close_matches(name.lower(), known, n=1)), "") if tellable else ""


def _shaped(fields: dict[str, Any]) -> NewSignal:
    if not fields.get("indicators"):
        raise bad_row("The row has no hash and no identifier.", "Add at least one.", code="required")
    for needed in ("harm", "severity"):
        if needed not in fields:
            mend = f"Add it, or give --{needed} for all rows."
            raise bad_row(f"The row has no {needed}.", mend, f"/{needed}", "required")
    for name in _MOMENTS:
        fields[name] = _moment(fields.get(name), f"/{name}")
    if isinstance(account := fields.get("account"), dict):
        fields["account"] = account | {"enforced_at": _moment(account.get("enforced_at"), "/account/enforced_at")}
    try:
        # Not strict, for all of CSV is text: "50" is a number there.
        signal = msgspec.convert(fields, NewSignal, strict=False)
    except msgspec.ValidationError as error:
        raise BadRow(_in_words(str(error))) from None
    problems = list(not_allowed(signal))
    try:
        prepared = signal.prepared()
    except InvalidValue as error:
        problems += [Problem(one.path, one.code, one.message, one.mend) for one in (error, *error.more)]
    if problems:
        raise BadRow(*problems)
    return prepared


def _moment(given: Any, path: str) -> Any:
    """As the hub reads it: a date is its first moment, and what has no zone is UTC."""
    if not isinstance(given, str):
        return given
    try:
        moment = datetime.fromisoformat(given.upper())
    except ValueError:
        raise BadRow(Problem(path, "invalid", _MOMENT)) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _in_words(error: str) -> Problem:
    """What msgspec found. Its words name fields and kinds of values, never a value itself."""
    place = _PLACE.search(error)
    steps = re.findall(r"\w+", place[1]) if place else []
    path = "".join(f"/{step}" for step in steps)
    if unknown := _UNKNOWN.search(error):
        shape = _SHAPES.get(steps[0], NewSignal) if steps else NewSignal
        return unknown_field(path, unknown[1], shape.__struct_fields__)
    if missing := _MISSING.search(error):
        return Problem(f"{path}/{missing[1]}", "required", "This is missing.", "Add this field.")
    # One of the indicators as a whole, or a name in a list, bears no name of its own.
    last = next((step for step in reversed(steps) if not step.isdigit()), "")
    if last in _LISTED and steps[-1] != last:
        return Problem(path, "invalid", _LISTED[last])
    return Problem(path, "invalid", _EXPECTED.get(last, "A text is expected."))


def _by_column(problem: Problem, names: Sequence[str]) -> Problem:
    """With the path to the row's own column, where the row has one in place of the indicator."""
    found = re.match(r"/indicators/(\d+)/(\w+)", problem.path)
    if found is None:
        path = "/platform" if problem.path == "/account/platform" else problem.path
    elif found[2] == "value":
        path = f"/{names[int(found[1])]}{problem.path[found.end() :]}"
    else:
        path = {"quality": "/pdq_quality"}.get(found[2], f"/{found[2]}")
    return msgspec.structs.replace(problem, path=path)


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(";") if part.strip()] if isinstance(value, str) else value


def _indicators(given: Mapping[str, Any], platform: Any) -> list[dict[str, Any]]:
    found = []
    quality = given.get("pdq_quality")
    percent = _PERCENT.fullmatch(str(quality))
    flat = percent is not None and int(percent[0]) < MIN_FRAME_QUALITY
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
    except (msgspec.DecodeError, RecursionError):
        return given
