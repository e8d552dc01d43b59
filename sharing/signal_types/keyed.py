"""Identifiers that become keyed tokens, and the refusal of their plain hashes. Ground floor."""

from __future__ import annotations

import re
import unicodedata
from abc import abstractmethod
from typing import ClassVar

from .contract import InvalidValue, SignalType
from .contract import gettext_noop as _
from .unicode_rules import empty, tidy, without_format_characters

_LONGEST_IDENTIFIER = 512
_BEFORE_DIGEST = re.compile(r"@?(?:0x|\\x|\{?(?:md5|sha-?[0-9]{1,3}|blake[23][bs]?)\}?[:=$-]?)?", re.IGNORECASE)
_BETWEEN_DIGITS = re.compile(r"[\s:]")
_HEX = re.compile(r"[0-9A-Fa-f]+")
_BASE64 = re.compile(r"([A-Za-z0-9+/_-]+)(={0,2})")
# Bytes of MD5, SHA-1, SHA-224, SHA-256, SHA-384 and SHA-512, as digits of base 16 and 64.
_DIGEST_SIZES = (16, 20, 28, 32, 48, 64)
_HEX_LENGTHS = frozenset(2 * size for size in _DIGEST_SIZES)
_LEAST_OF_EACH_CASE = 3
_BASE64_LENGTHS = frozenset((8 * size + 5) // 6 for size in _DIGEST_SIZES)


class KeyedType(SignalType):
    """An identifier of a person, an account or a thing.

    `parse` returns canonical bytes that start with the kind and a colon, so that two kinds never collide.
    The 32 bytes stored are the token that is made of them (sharing/oprf), by the member or by the hub.
    """

    keyed = True
    size = 32
    digest_mend: ClassVar[str] = _(
        "Give the identifier itself: it becomes a token under a key of the hub, and only the token is stored."
    )

    @abstractmethod
    def canonical(self, text: str, platform: str) -> str:
        """Return the canonical form of a text in NFKC without format characters. Raises InvalidValue."""

    def parse(self, value: str, *, platform: str = "") -> bytes:
        text = tidy(value, longest=_LONGEST_IDENTIFIER)
        text = unicodedata.normalize("NFKC", without_format_characters(text)).strip()
        if not text:
            raise empty()
        if looks_like_digest(text):
            raise InvalidValue(
                "unkeyed_hash",
                _(
                    "The value looks like a plain hash. A plain hash of a phone number or an e-mail address "
                    "can be reversed by trying all values, so it protects nobody."
                ),
                self.digest_mend,
            )
        return self.canonical(text, platform).encode()


def looks_like_digest(text: str) -> bool:
    """Tell whether a text has the form of a common hash, in hexadecimal or base64, with or without its name.

    Base64 without padding looks like any long word, so there it also takes upper case, lower case and digits
    mixed as chance mixes them; at least 95 of 100 digests are.
    """
    bare = _BEFORE_DIGEST.sub("", text, count=1)
    return _is_hex_digest(bare) or _is_base64_digest(bare) or _is_base64_digest(text)


def _is_hex_digest(text: str) -> bool:
    digits = _BETWEEN_DIGITS.sub("", text)
    return len(digits) in _HEX_LENGTHS and _HEX.fullmatch(digits) is not None


def _is_base64_digest(text: str) -> bool:
    found = _BASE64.fullmatch(text)
    if found is None or len(found[1]) not in _BASE64_LENGTHS:
        return False
    upper, lower, digits = (sum(map(test, found[1])) for test in (str.isupper, str.islower, str.isdigit))
    return bool(found[2]) or (min(upper, lower) >= _LEAST_OF_EACH_CASE and digits >= 1)
