"""The quick reader gives what the serializer gives, or leaves the row to it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from sharing import signal_types
from sharing.api.serializers.quick import quick_signal
from sharing.api.serializers.signals import SignalIn

GOOD: dict[str, Any] = {
    "external_id": "ad-1",
    "kind": "content",
    "harm": "other",
    "severity": "low",
    "confidence": 70,
    "tlp": "GREEN",
    "subject_role": "unknown",
    "summary": "Überfahrt, 運び屋",
    "lawful_basis": "Act, s. 52",
    "observed_at": "2026-01-01T10:00:00+01:00",
    "expires_at": "2027-01-01T10:00:00Z",
    "sharing_groups": ["watch"],
    "named_organisations": ["beta"],
    "indicators": [{"type": "pdq", "value": "0f" * 32, "quality": 90}, {"type": "md5", "value": "x"}],
    "account": None,
}
SERIALIZER = SignalIn()
TEXTS = [
    " x", "x ", "x\u2003", "", " ", "a\nb", "\ud800", "\0", "AMBER+STRICT", "content", "account", "critical", "x" * 61,
    "x" * 201, "x" * 4_001, "2026-01-01", "2026-01-01T10:00:00", "yesterday",
]  # fmt: skip
OTHERS: list[Any] = [
    [], {}, [None], ["a", "a "], ["x"] * 101, {"platform": "exampletube"},
    [{"type": "md5"}], [{"type": "md5", "value": " x"}], [{"type": "nope", "value": "x"}],
    [{"type": "md5", "value": "x", "quality": None}], [{"type": "md5", "value": "x", "quality": True}],
    [{"type": "username", "value": "x", "platform": "exampletube"}], [{"type": "md5", "value": "x"}] * 101,
    [{"type": "phone", "token": "ab", "key_id": "k"}], [{"value": "x", "quality": 3}],
    [{"type": ["md5"], "value": "x"}],
]  # fmt: skip
odd = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 101), st.floats(), st.text(max_size=5), st.sampled_from(TEXTS + OTHERS)
)
some = st.dictionaries(st.sampled_from([*GOOD, "unknown"]), odd, max_size=4)


def whole(row: Any) -> Any:
    try:
        return SERIALIZER.read(row)
    except ValidationError:
        return None


def test_a_plain_row_is_read_quickly_and_the_same() -> None:
    assert quick_signal(GOOD) is not None
    assert quick_signal(GOOD) == whole(GOOD)
    least = {name: GOOD[name] for name in ("kind", "harm", "severity", "indicators")}
    assert quick_signal(least) is not None
    assert quick_signal(least) == whole(least)


@pytest.mark.parametrize("name", signal_types.NAMES)
def test_values_of_every_type_are_read_the_same(name: str) -> None:
    row = {**GOOD, "indicators": [{"type": name, "value": signal_types.get(name).example}]}
    assert quick_signal(row) in (None, whole(row))


@given(
    st.dictionaries(st.sampled_from([*GOOD, "unknown"]), odd, max_size=4),
    st.sets(st.sampled_from(list(GOOD)), max_size=3),
)
def test_whatever_is_read_quickly_is_what_the_serializer_reads(changes: dict[str, Any], left_out: set[str]) -> None:
    row = {name: value for name, value in {**GOOD, **changes}.items() if name not in left_out}
    quick = quick_signal(row)
    assert quick is None or quick == whole(row)


@given(odd)
def test_what_is_no_row_is_left_to_the_serializer(row: Any) -> None:
    assert quick_signal(row) is None
