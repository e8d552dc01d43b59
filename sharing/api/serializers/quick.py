"""Signals read without the cost of a serializer (floor 7).

`SignalIn` decides what a signal is. This only knows rows in which `SignalIn` could find nothing to say, and gives for
them what it gives; anything else is `SignalIn`'s, with its errors. tests/api/test_quick.py holds the two against each
other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from rest_framework.exceptions import ValidationError

from hub.errors import Problem
from sharing import signal_types
from sharing.api.problems import flattened
from sharing.api.serializers.signals import MAX_AUDIENCE, MAX_REFERENCE, MAX_VALUE, SignalIn
from sharing.signals.inputs import IndicatorInput, SignalInput
from sharing.signals.models import Signal
from sharing.signals.preparation import MAX_INDICATORS
from sharing.visibility.models import Harm
from sharing.visibility.tlp import TLP

_PERCENT: Final = 100
_SHORT: Final = 60
_QUALITY: Final = frozenset({"type", "value", "quality"})


class NotQuick(Exception):
    """The serializer must be asked."""


def read_rows(rows: Iterable[Any]) -> Iterator[SignalInput | list[Problem]]:
    """Each row as `SignalIn` reads it, or its problems."""
    serializer = SignalIn()  # to build one takes longer than to read a row
    for row in rows:
        quick = quick_signal(row)
        if quick is not None:
            yield quick
            continue
        try:
            yield serializer.read(row)
        except ValidationError as error:
            yield flattened(error.detail)


def quick_signal(row: Any) -> SignalInput | None:
    """The row as SignalIn reads it; None when SignalIn must be asked: also of an object that has a name twice."""
    if type(row) is not dict or not row.keys() >= _REQUIRED:
        return None
    try:
        return SignalInput(**{**_DEFAULTS, **{name: _READERS[name](value) for name, value in row.items()}})
    except (KeyError, NotQuick):
        return None


def _one_of(values: Iterable[str]) -> Callable[[Any], str]:
    known = frozenset(map(str, values))

    def read(value: Any) -> str:
        if isinstance(value, str) and value in known:
            return value
        raise NotQuick

    return read


def _text(longest: int, *, blank: bool = False) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        # Printable: without NUL, halves of surrogate pairs, and what would be cut off at the ends but for a space.
        if (
            isinstance(value, str)
            and len(value) <= longest
            and value.isprintable()
            and (value or blank)
            and value == value.strip()
        ):
            return value
        raise NotQuick

    return read


def _or_null(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _percent(value: Any) -> int:
    if type(value) is int and 0 <= value <= _PERCENT:
        return value
    raise NotQuick


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, list) and len(value) <= MAX_AUDIENCE:
        return tuple(map(_short_text, value))
    raise NotQuick


def _indicators(value: Any) -> tuple[IndicatorInput, ...]:
    if isinstance(value, list) and len(value) <= MAX_INDICATORS:
        return tuple(map(quick_indicator, value))
    raise NotQuick


def quick_indicator(item: Any) -> IndicatorInput:
    """As IndicatorIn reads a type with its value, and a quality. Raises NotQuick for anything else."""
    # A plain dict: one that has a name twice (Repeating) is IndicatorIn's to refuse.
    if type(item) is dict and len(item) >= 2 and item.keys() <= _QUALITY:  # noqa: PLR2004
        signal_type, value, quality = item.get("type"), item.get("value"), item.get("quality")
        if (
            isinstance(signal_type, str)
            and signal_type in signal_types.NAMES
            and isinstance(value, str)
            and 0 < len(value) <= MAX_VALUE
            and value.isascii()
            and value.isprintable()
        ):
            return IndicatorInput(signal_type, value, "", None if quality is None else _percent(quality))
    raise NotQuick


def _asked(name: str) -> Callable[[Any], Any]:
    """Asks the serializer's own field: a moment has too many forms to know them here."""
    field = SignalIn().fields[name]

    def read(value: Any) -> Any:
        try:
            return field.run_validation(value)
        except ValidationError:
            raise NotQuick from None

    return read


def _no_account(value: Any) -> None:
    if value is not None:
        raise NotQuick


_short_text = _text(_SHORT)
_REQUIRED: Final = frozenset({"kind", "harm", "severity", "indicators"})
# The rest are those of SignalInput itself.
_DEFAULTS: Final = {"tlp": TLP.AMBER.value}
_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "external_id": _or_null(_text(MAX_REFERENCE)),
    "kind": _one_of(Signal.Kind.values),
    "harm": _one_of(Harm.values),
    "severity": _one_of(Signal.Severity.values),
    "confidence": _percent,
    "tlp": _one_of(TLP.values),
    "subject_role": _one_of(Signal.SubjectRole.values),
    "summary": _text(4_000, blank=True),
    "lawful_basis": _text(200, blank=True),
    "observed_at": _or_null(_asked("observed_at")),
    "expires_at": _or_null(_asked("expires_at")),
    "sharing_groups": _texts,
    "named_organisations": _texts,
    "indicators": _indicators,
    "account": _no_account,
}
