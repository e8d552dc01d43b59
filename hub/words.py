"""Free text is stored as it is written, so it must not be where an identifier slips in (ground)."""

from __future__ import annotations

import re
from typing import Final

import phonenumbers

from hub.errors import Invalid, Problem

# Starts at the beginning of a word only: tried at every letter, a long word would cost the square of its length.
_EMAIL = re.compile(r"(?<![^\s@<>])[^\s@<>]+@[^\s@<>]+\.[^\s@<>]{2,}")
TAKEN_OUT: Final = "[…]"
# How to put it right, where indicators can be sent with the text and where they can't.
AS_INDICATOR: Final = "Take it out of the text and send it as an indicator of type email or phone."
LEAVE_OUT: Final = "Take it out of the text."


def _phones(text: str) -> phonenumbers.PhoneNumberMatcher:
    """International numbers. Possible ones, as the type phone takes them: the lists of ranges in use lag behind."""
    return phonenumbers.PhoneNumberMatcher(text, None, leniency=phonenumbers.Leniency.POSSIBLE)


def problem_in(text: str, path: str, mend: str = AS_INDICATOR) -> Problem | None:
    """The problem of a text that seems to hold an e-mail address or an international phone number."""
    if not (_EMAIL.search(text) or _phones(text).has_next()):
        return None
    return Problem(
        path,
        "identifier_in_text",
        "This text seems to hold an e-mail address or a phone number. The hub stores none in the clear.",
        mend,
    )


def without_identifiers(text: str) -> str:
    """The text with […] in place of what `problem_in` objects to, so that a page can show the rest again."""
    found = reversed([(match.start, match.end) for match in _phones(text)])
    for start, end in found:
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
