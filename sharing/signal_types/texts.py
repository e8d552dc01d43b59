"""Texts: normalised, then SHA-256, so that small changes of layout do not hide a copy. Ground floor."""

from __future__ import annotations

import unicodedata

from .contract import InvalidValue
from .contract import gettext_noop as _
from .hexadecimal import HashedContent
from .unicode_rules import fold, refuse_long_mark_runs, tidy

LONGEST_TEXT = 100_000
LEAST_CONTENT = 8

# Characters that show as nothing but are letters or marks by category, so the categories below miss them:
# grapheme joiner, Hangul fillers, Khmer inherent vowels, Mongolian and general variation selectors.
_INVISIBLE = frozenset(
    chr(code)
    for codes in (
        (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180F),
        range(0x180B, 0x180E),
        range(0xFE00, 0xFE10),
        range(0xE0100, 0xE01F0),
    )
    for code in codes
)


class Text(HashedContent):
    """SHA-256 of a text's normal form."""

    name = "text"
    title = _("Text")
    description = _(
        "The text of a post or message, normalised and stored only as SHA-256, or the 64 hexadecimal digits "
        "of that hash by the same published rule. Matches the same words in the same order."
    )
    example = "Work abroad! No papers needed, all travel paid. Write to us today."
    longest = LONGEST_TEXT

    def canonical(self, text: str) -> str:
        return canonical_text(text)


def canonical_text(value: str) -> str:
    """Return the normal form of a text; the published rule is in docs/signal-types.md.

    At most 100,000 characters go in, and at least 8 that are not spaces must come out; the result is its own
    normal form. Raises InvalidValue.
    """
    folded = fold(tidy(value, longest=LONGEST_TEXT, lines=True))
    dropped = dict.fromkeys((ord(char) for char in set(folded) if _is_dropped(char)), None)
    bare = " ".join(folded.translate(dropped).split())
    # Dropping a character may put marks beside a letter, or beside each other, that it kept apart.
    refuse_long_mark_runs(bare)
    normal = unicodedata.normalize("NFKC", bare)
    if len(normal) - normal.count(" ") < LEAST_CONTENT:
        raise InvalidValue(
            "too_little_text",
            _("Fewer than 8 characters are left once punctuation is removed; that would match too much."),
            _("Send the whole text of the post or message."),
        )
    return normal


def _is_dropped(char: str) -> bool:
    if char in _INVISIBLE:
        return True
    category = unicodedata.category(char)
    return category[0] == "P" or category == "Cf" or (category == "Cc" and not char.isspace())
