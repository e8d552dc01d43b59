"""From an identifier to the token that the hub stores, the same for both sides. Ground floor."""

from __future__ import annotations

from typing import Final

TOKEN_SIZE: Final = 32
# Goes into the derivation of each key pair: a seed that also served elsewhere would give another key there.
KEY_INFO: Final = b"identifier-token"


def token_message(signal_type: str, canonical: bytes) -> bytes:
    """What goes into the function for an identifier: the type's name first, so that equal values of two types differ.

    `canonical` is what the type's `parse` returns.
    """
    return signal_type.encode() + b"\0" + canonical


def token_from(output: bytes) -> bytes:
    """The token: the first 32 of the 64 bytes of output. Each of them is as good as random to who lacks the key, and
    32 are so many that two values never meet by chance."""
    return output[:TOKEN_SIZE]
