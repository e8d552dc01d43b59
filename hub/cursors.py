"""Cursors that give nothing away (ground).

Rows are numbered for the whole hub: the difference of two plain numbers tells a member how many signals or matches the
others had in between, the hidden ones too. So a number leaves the hub sealed: a keyed checksum of it, and the number
itself masked under that checksum (the idea of RFC 5297). What was sealed is opened by the same secret key only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from django.conf import settings

_SIZE: Final = 8  # bytes of the number, and of the checksum


def seal(number: int) -> str:
    """The number, 0 to 2**63 - 1, as a word of 22 letters, digits, - and _; the same one each time."""
    plain = number.to_bytes(_SIZE, "big")
    tag = _digest(settings.SECRET_KEY, b"cursor tag", plain)
    return base64.urlsafe_b64encode(tag + _masked(settings.SECRET_KEY, tag, plain)).decode().rstrip("=")


def unseal(text: str) -> int | None:
    """The number in a sealed word; None when this hub did not seal it."""
    try:
        data = base64.b64decode(text.encode("ascii") + b"==", altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    if len(data) != 2 * _SIZE:
        return None
    tag, masked = data[:_SIZE], data[_SIZE:]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        plain = _masked(secret, tag, masked)
        if _digest(secret, b"cursor tag", plain) == tag:
            return int.from_bytes(plain, "big")
    return None


def _masked(secret: str, tag: bytes, data: bytes) -> bytes:
    mask = _digest(secret, b"cursor mask", tag)
    return bytes(one ^ other for one, other in zip(data, mask, strict=True))


def _digest(secret: str, purpose: bytes, data: bytes) -> bytes:
    key = hashlib.sha256(secret.encode()).digest()
    return hashlib.blake2b(data, key=key, digest_size=_SIZE, person=purpose).digest()
