"""Types whose value is a hash written in hexadecimal, or is hashed here. Ground floor."""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from typing import ClassVar

from .contract import InvalidValue, SignalType
from .contract import gettext_noop as _
from .unicode_rules import tidy

_HEX = re.compile(r"[0-9A-Fa-f]+")
_SHA256_LENGTH = 64
_OTHER_DIGEST_LENGTHS = frozenset((32, 40, 56, 96, 128))
_LONGEST_HASH = 512

SHA256_OF_NOTHING = hashlib.sha256().digest()


class HexHash(SignalType):
    """A hash of `size` bytes, sent and shown as hexadecimal digits.

    `mend` tells how such a hash is written; `of_nothing` is the hash of an empty file, if any.
    """

    mend: ClassVar[str]
    of_nothing: ClassVar[bytes | None] = None

    def parse(self, value: str, *, platform: str = "") -> bytes:
        text = tidy(value, longest=_LONGEST_HASH)
        if not _HEX.fullmatch(text):
            raise InvalidValue("not_hex", _("The value is not written in hexadecimal digits."), self.mend)
        if len(text) != 2 * self.size:
            raise InvalidValue("wrong_length", _("The hash has the wrong number of digits for its type."), self.mend)
        stored = bytes.fromhex(text)
        if stored == self.of_nothing:
            raise hash_of_nothing()
        return stored


class HashedContent(SignalType):
    """Content that is stored only as the SHA-256 of its canonical form.

    A member sends either the content or, having applied the same published rule, the 64 digits of the hash.
    """

    size = 32
    longest: ClassVar[int]

    @abstractmethod
    def canonical(self, text: str) -> str:
        """Return the canonical form of the content. Raises InvalidValue."""

    def parse(self, value: str, *, platform: str = "") -> bytes:
        text = tidy(value, longest=self.longest, lines=True)
        digits = len(text) if _HEX.fullmatch(text) else 0
        if digits in _OTHER_DIGEST_LENGTHS:
            raise InvalidValue(
                "wrong_digest",
                _("The value looks like a hash, but not like a SHA-256."),
                _("Send the content itself, or the 64 digits of its SHA-256 by the published rule."),
            )
        if digits != _SHA256_LENGTH:
            return hashlib.sha256(self.canonical(text).encode()).digest()
        stored = bytes.fromhex(text)
        if stored == SHA256_OF_NOTHING:
            raise hash_of_nothing()
        return stored


def hash_of_nothing() -> InvalidValue:
    """Build the refusal of the hash of zero bytes: it would tie together every upload that failed."""
    return InvalidValue(
        "hash_of_nothing",
        _("This is the hash of an empty file."),
        _("Check that the file was read before it was hashed."),
    )
