"""Cursors that give nothing away (ground).

Rows are numbered for the whole hub: the difference of two plain numbers tells a member how many signals or matches the
others had in between, the hidden ones too. So a number leaves the hub sealed: a keyed checksum of it, and the number
itself masked under that checksum (the idea of RFC 5297). What was sealed is opened by the same secret key only, for the
same list and the same reader: one number has another word in each. Otherwise the words of a list that a member fills by
itself would tell it the numbers in the others.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from django.conf import settings

_SIZE: Final = 8  # bytes of a number, and of the checksum
LONGEST: Final = 64  # bytes that one mask covers


def seal(number: int, *, rows: str, reader: int | None) -> str:
    """The number, 0 to 2**63 - 1, as a word of 22 letters, digits, - and _; the same one each time.

    `rows` is the name of the list whose row it is, `reader` the id of the organisation that reads it.
    """
    return seal_bytes(number.to_bytes(_SIZE, "big"), rows=rows, reader=reader)


def unseal(text: str, *, rows: str, reader: int | None) -> int | None:
    """The number in a sealed word; None when this hub did not seal it for this list and reader."""
    plain = unseal_bytes(text, rows=rows, reader=reader)
    return int.from_bytes(plain, "big") if plain is not None and len(plain) == _SIZE else None


def seal_bytes(plain: bytes, *, rows: str, reader: int | None) -> str:
    """As seal, of 1 to LONGEST bytes. The word shows how many."""
    key = _key(settings.SECRET_KEY, rows, reader)
    tag = _digest(key, b"cursor tag", plain)
    return base64.urlsafe_b64encode(tag + _masked(key, tag, plain)).decode().rstrip("=")


def unseal_bytes(text: str, *, rows: str, reader: int | None) -> bytes | None:
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    if not _SIZE < len(data) <= _SIZE + LONGEST:
        return None
    tag, masked = data[:_SIZE], data[_SIZE:]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        key = _key(secret, rows, reader)
        plain = _masked(key, tag, masked)
        if _digest(key, b"cursor tag", plain) == tag:
            return plain
    return None


def _key(secret: str, rows: str, reader: int | None) -> bytes:
    """A key of its own for each list and reader."""
    whole = hashlib.sha256(secret.encode()).digest()
    return hashlib.blake2b(f"{reader} {rows}".encode(), key=whole, person=b"cursor key").digest()


def _masked(key: bytes, tag: bytes, data: bytes) -> bytes:
    mask = _digest(key, b"cursor mask", tag, size=len(data))
    return bytes(one ^ other for one, other in zip(data, mask, strict=True))


def _digest(key: bytes, purpose: bytes, data: bytes, *, size: int = _SIZE) -> bytes:
    return hashlib.blake2b(data, key=key, digest_size=size, person=purpose).digest()
