"""Secrets that the hub has to read again, such as those that it signs webhooks with (ground).

Fernet (AES-128-CBC with HMAC-SHA256) of the library `cryptography`, under keys that are not in the database. Keys and
passwords that only have to be recognised are hashed instead, and never come here.
"""

from __future__ import annotations

import base64
import json

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from hub.keys import encryption_keys


class Undecipherable(Exception):
    """Encrypted under a key that is gone, changed, or moved here from another row."""


def encrypt(secret: str, *, about: str) -> str:
    """The secret under the active key, as ASCII text. `about` names the row that it belongs to: it opens there only."""
    return _cipher().encrypt(json.dumps([about, secret]).encode()).decode("ascii")


def decrypt(text: str, *, about: str) -> str:
    """The secret again, under any key of the file. Raises Undecipherable."""
    try:
        row, secret = json.loads(_cipher().decrypt(text.encode("ascii")))
    except InvalidToken:
        raise Undecipherable from None
    if row != about:
        raise Undecipherable
    return str(secret)


def encrypt_again(text: str) -> str:
    """The same under the key that is active now. Raises Undecipherable."""
    try:
        return _cipher().rotate(text.encode("ascii")).decode("ascii")
    except InvalidToken:
        raise Undecipherable from None


def _cipher() -> MultiFernet:
    """Encrypts with the active key, decrypts with each."""
    keys = encryption_keys()
    ordered = sorted(keys.keys, key=lambda name: name != keys.active)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(keys.keys[name])) for name in ordered])
