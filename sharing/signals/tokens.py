"""Identifiers become keyed tokens at the door (floor 3): the one place where key and plain value meet."""

from __future__ import annotations

import hashlib
import hmac

from hub.keys import token_keys


def token_of(signal_type: str, canonical: bytes) -> tuple[str, bytes]:
    """(key id, 32-byte token) of a normalised identifier: HMAC-SHA-256 under the active key.

    The type's name goes in first, so that equal values of different types give different tokens.
    """
    keys = token_keys()
    message = signal_type.encode() + b"\0" + canonical
    return keys.active, hmac.new(keys.keys[keys.active], message, hashlib.sha256).digest()
