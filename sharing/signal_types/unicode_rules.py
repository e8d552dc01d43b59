"""Unicode rules that the signal types share: what is refused and what is folded. Ground floor."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

from .contract import InvalidValue
from .contract import gettext_noop as _

# Unicode Standard Annex 15 ("Stream-Safe Text Format") allows 30. CPython sorts a run of marks in quadratic
# time: 100,000 of them would hold a worker for some ten seconds.
LONGEST_MARK_RUN = 30

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x01-\x1f\x7f-\x9f]")
# Direction marks and zero-width characters come along when a number is copied out of a chat or address book.
_INVISIBLE_EDGES = (
    "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_EDGES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + _INVISIBLE_EDGES


def tidy(value: str, *, longest: int, lines: bool = False) -> str:
    """Strip white space and invisible characters from both ends and refuse what no type can take.

    `longest` is in characters as sent. `lines` allows line breaks and other control characters.
    Raises InvalidValue: empty, too_long, not_unicode, nul, control_character, too_many_marks.
    """
    if len(value) > longest:
        raise InvalidValue(
            "too_long",
            _("The value is longer than this type allows."),
            _("Check that the field holds one value of the type named, and nothing else."),
        )
    if _SURROGATE.search(value):
        raise InvalidValue(
            "not_unicode",
            _("The value holds half of a UTF-16 pair, which is not a character."),
            _("Send the text as valid UTF-8."),
        )
    if "\x00" in value:
        raise InvalidValue("nul", _("The value holds a NUL character."), _("Remove the NUL character."))
    text = value.strip(_EDGES)
    if not text:
        raise empty()
    if not lines and _CONTROL.search(text):
        raise InvalidValue(
            "control_character",
            _("The value holds a control character, such as a tab or a line break."),
            _("Send one value on one line."),
        )
    refuse_long_mark_runs(text)
    return text


def empty() -> InvalidValue:
    """Build the refusal of a value with nothing in it."""
    return InvalidValue("empty", _("The value is empty."), _("Send a value, or leave the indicator out."))


def fold(text: str) -> str:
    """Fold case and compatibility forms: NFKC, full case folding, NFKC."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def without_format_characters(text: str) -> str:
    """Drop characters of category Cf: zero-width characters, soft hyphens, direction marks."""
    if text.isascii():
        return text
    return "".join(char for char in text if unicodedata.category(char) != "Cf")


def ascii_digits(text: str) -> str:
    """Write the decimal digits of every script (Arabic, Devanagari, ...) as 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(char, char)) for char in text)


def refuse_long_mark_runs(text: str) -> None:
    """Raise InvalidValue (too_many_marks) if more than 30 combining marks follow each other."""
    if text.isascii():
        return
    marks = {char for char in set(text) if _is_mark(char)}
    runs = (sum(1 for _char in run) for marked, run in groupby(text, marks.__contains__) if marked)
    if marks and max(runs) > LONGEST_MARK_RUN:
        raise InvalidValue(
            "too_many_marks",
            _("The value stacks more than 30 combining marks on one character."),
            _("Remove the decoration and send the text itself."),
        )


def _is_mark(char: str) -> bool:
    # Some characters count as marks only once they are decomposed (half-width voiced sound mark U+FF9E).
    return unicodedata.combining(unicodedata.normalize("NFKD", char)[0]) != 0
