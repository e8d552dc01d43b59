"""Texts: the normal form of the published rule."""

from __future__ import annotations

import hashlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharing.signal_types import InvalidValue, get
from sharing.signal_types.texts import LONGEST_TEXT, canonical_text

BASE = "work abroad no papers needed"
# Letters whose folding grows or splits, marks, joiners, fillers, and spaces that are not the usual one.
AWKWARD = st.text(
    "aI\u00df\u0130\u0131\u0149\u01f0\u0345\u0301\u0327\u0338\u0390\u03a3\u03c2\u1e9e\u1fb7\u200d\u00ad\u034f"
    "\u3164\ufe0f\u1100\u1161\u11a8\uac00\uff9e\uff76\ufdfa\u00a8\u00a0\u3000\u2028=<-'.!\n\t\x07"
)


def code_for(value: str) -> str:
    with pytest.raises(InvalidValue) as caught:
        get("text").parse(value)
    return caught.value.code


@pytest.mark.parametrize(
    "variant",
    [
        "Work abroad! No papers needed.",
        "  WORK\tABROAD\r\n\nno papers   needed",
        "w\u200bo\u00adr\ufeffk abroad, no papers \u202eneeded",
        "\uff37\uff2f\uff32\uff2b abroad\u3000no papers needed",
        "*Work* _abroad_ \u2014 \u00abno papers needed\u00bb\u2026",
        "w.o.r.k abroad no papers\ufe0f needed\x07",
        "\U0001d568\U0001d560\U0001d563\U0001d55c abroad no papers needed",
    ],
)
def test_layout_case_punctuation_and_invisible_characters_do_not_hide_a_copy(variant: str) -> None:
    assert canonical_text(variant) == BASE
    assert get("text").parse(variant) == hashlib.sha256(BASE.encode()).digest()


@pytest.mark.parametrize("other", ["work abroad no paper needed", "workabroad no papers needed", f"{BASE} \u2708"])
def test_other_words_and_symbols_make_another_text(other: str) -> None:
    assert canonical_text(other) != BASE


@settings(max_examples=500)
@given(st.text(min_size=8) | AWKWARD | st.tuples(AWKWARD, st.text(), AWKWARD).map("".join))
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    try:
        normal = canonical_text(f"contents{text}")
    except InvalidValue:
        return
    assert canonical_text(normal) == normal
    assert get("text").parse(f"contents{text}") == get("text").parse(normal)


def test_a_member_s_own_hash_equals_the_hub_s() -> None:
    assert get("text").parse(hashlib.sha256(BASE.encode()).hexdigest()) == get("text").parse(BASE)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("?!?!?!?!?!", "too_little_text"),
        ("a b c d e f g", "too_little_text"),
        ("5d41402abc4b2a76b9719d911017c592", "wrong_digest"),
        ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "hash_of_nothing"),
        ("x" * (LONGEST_TEXT + 1), "too_long"),
    ],
)
def test_what_says_too_little_or_too_much_is_refused(value: str, code: str) -> None:
    assert code_for(value) == code


def test_eight_characters_are_enough() -> None:
    assert canonical_text("a b c d e f g h") == "a b c d e f g h"


@pytest.mark.parametrize(
    "unit", ["\u0300\u0327", "\u0300\u200d\u0327\u200d", "\u0f73", "\uff9e\u0327", "\u0300!\u0327!"]
)
def test_piles_of_marks_are_refused_quickly(unit: str) -> None:
    # Sorted by CPython, such a pile takes ten seconds and more; refusing it takes a fraction of one.
    began = time.process_time()
    assert code_for("a" + (unit * 50_000)[: LONGEST_TEXT - 1]) == "too_many_marks"
    assert time.process_time() - began < 3


def test_stacked_marks_of_real_writing_are_taken() -> None:
    assert canonical_text("Ti\u1ebf\u0301ng vi\u1ec7t \u0e17\u0e35\u0e48\u0e19\u0e31\u0e48\u0e19")
