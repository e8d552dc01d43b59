"""Secrets that the hub has to read again, such as those that it signs webhooks with (ground).

Fernet (AES-128-CBC with HMAC-SHA256) of the library `cryptography`, under keys that are not in the database. Keys and
passwords that only have to be recognised are hashed instead, and never come here.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_KEY: Final = re.compile(r"[0-9a-f]{64}")
_MEND: Final = 'Set HUB_ENCRYPTION_KEYS_FILE to a JSON file {"active": "k1", "keys": {"k1": "<64 hex digits>"}}.'


@dataclass(frozen=True, slots=True)
class EncryptionKeys:
    """By their names. Rotation adds one and moves `active`."""

    active: str
    keys: dict[str, bytes] = field(repr=False)


def encryption_keys() -> EncryptionKeys:
    """The keys of this installation. Raises ImproperlyConfigured, in one line that names the mend."""
    return _read(settings.ENCRYPTION_KEYS_FILE)


@lru_cache(maxsize=4)
def _read(path: str) -> EncryptionKeys:
    if not path:
        raise ImproperlyConfigured(f"There is no encryption key file. {_MEND}")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        active, keys = content["active"], dict(content["keys"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImproperlyConfigured(f"The encryption key file can't be read ({type(error).__name__}). {_MEND}") from None
    if active not in keys or not all(isinstance(key, str) and _KEY.fullmatch(key) for key in keys.values()):
        raise ImproperlyConfigured(f"The encryption key file is not in order. {_MEND}")
    return EncryptionKeys(active, {name: bytes.fromhex(key) for name, key in keys.items()})


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
