"""Free text is stored as it is written, so it must not be where an identifier slips in (ground)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException
from phonenumbers.phonenumberutil import _EXTN_PATTERNS_FOR_MATCHING, _VALID_PUNCTUATION

from hub.errors import Invalid, Problem

# Starts at the beginning of a word only: tried at every letter, a long word would cost the square of its length.
_EMAIL = re.compile(r"(?<![^\s@<>])[^\s@<>]+@[^\s@<>]+\.[^\s@<>]{2,}")
# libphonenumber's own patterns: up to four such characters stand between two groups of digits, and up to nine, brackets
# among them, after the plus sign. No plus sign is among them, so the runs of a text don't overlap.
_BETWEEN: Final = f"[{_VALID_PUNCTUATION}]"
_RUN = re.compile(
    rf"[+＋]{_BETWEEN}{{0,9}}\d{{1,20}}(?:{_BETWEEN}{{0,4}}\d{{1,20}}){{0,20}}(?P<extension>{_EXTN_PATTERNS_FOR_MATCHING})?",
    re.IGNORECASE,
)
_GROUP = re.compile(r"\d{1,20}")
# A zone or an age, and then a date: UTC+1 2024-05-01 12:30. The library knows more of dates, and is asked about these.
_DATED = re.compile(r"[+＋](?:\d{1,2}[)\s])?[\s(]*(?:\d{4}[-/ ]|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})")
_TIME: Final = 4  # characters after a date: the rest of 12:30
# Digits of an international number with its country code. The real limits of each country lie between these.
_FEWEST, _MOST = 3, 20
# Numbers of one text that are looked at closely, each for some 30 microseconds.
_MOST_LOOKED_AT = 40
# E.164 numbers without their country code have seven or more, but for a few small countries.
_DIGITS_OF_A_NUMBER = 7
TAKEN_OUT: Final = "[…]"
# How to put it right, where indicators can be sent with the text and where they can't.
AS_INDICATOR: Final = "Take it out of the text and send it as an indicator of type email or phone."
LEAVE_OUT: Final = "Take it out of the text."


def problem_in(text: str, path: str, mend: str = AS_INDICATOR) -> Problem | None:
    """The problem of a text that seems to hold an e-mail address or an international phone number."""
    return _problem(path, mend) if _EMAIL.search(text) or any(_phones(text)) else None


def problem_in_name(name: str, path: str) -> Problem | None:
    """The same of a platform's short name, in which a number has no plus sign. No platform has so many digits."""
    return _problem(path) if sum(map(str.isdigit, name)) >= _DIGITS_OF_A_NUMBER else problem_in(name, path)


def _problem(path: str, mend: str = AS_INDICATOR) -> Problem:
    return Problem(
        path,
        "identifier_in_text",
        "This text seems to hold an e-mail address or a phone number. The hub stores none in the clear.",
        mend,
    )


def without_identifiers(text: str) -> str:
    """The text with […] in place of what `problem_in` objects to, so that a page can show the rest again."""
    for start, end in reversed(list(_phones(text))):
        text = f"{text[:start]}{TAKEN_OUT}{text[end:]}"
    # More than once: of a@example.org@example.org the mark and the second half look like an address again.
    while _EMAIL.search(text):
        text = _EMAIL.sub(TAKEN_OUT, text)
    return text


def require_no_identifier(text: str, path: str) -> None:
    """For reasons and notes, beside which no indicators are sent. Raises Invalid."""
    problem = problem_in(text, path, LEAVE_OUT)
    if problem is not None:
        raise Invalid([problem])


def _phones(text: str) -> Iterator[tuple[int, int]]:
    """Where the text seems to hold an international phone number: from a plus sign to the end of a group of digits.

    Possible numbers, as the type phone takes them: the lists of ranges in use lag behind. libphonenumber's own search
    of a text finds no more than this, and takes up to 80 ms for 4,000 characters that were made for it. A text with
    very many things like a number is taken to hold one.
    """
    looked_at: dict[str, bool] = {}
    for run in _RUN.finditer(text):
        last = _last_possible(run, looked_at)
        if last and not (_DATED.match(run[0]) and _is_dated_only(run, looked_at)):
            yield run.start(), last


def _last_possible(run: re.Match[str], looked_at: dict[str, bool]) -> int:
    """The end of the last group of digits with which the run is a possible number; 0 when it is none."""
    digits, last = "+", 0
    for group in _GROUP.finditer(run.string, run.start(), run.end()):
        digits += group[0]
        if len(digits) > _MOST + 1:
            break
        if len(digits) > _FEWEST and _is_possible(digits, looked_at):
            last = group.end()
    if not last and any(map(str.isalpha, run["extension"] or "")):
        return run.end()  # the library reads these letters as keys
    return last


def _is_dated_only(run: re.Match[str], looked_at: dict[str, bool]) -> bool:
    text = run.string[run.start() : run.end() + _TIME]
    if text not in looked_at:
        if len(looked_at) == _MOST_LOOKED_AT:
            return False
        matcher = phonenumbers.PhoneNumberMatcher(text, None, leniency=phonenumbers.Leniency.POSSIBLE)
        looked_at[text] = not matcher.has_next()
    return looked_at[text]


def _is_possible(digits: str, looked_at: dict[str, bool]) -> bool:
    if digits not in looked_at:
        if len(looked_at) == _MOST_LOOKED_AT:
            return True
        looked_at[digits] = _is_number(digits)
    return looked_at[digits]


def _is_number(digits: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(digits))
    except NumberParseException:
        return False
