"""Keys that live outside the database, in files that only the hub can read (ground).

Each file is JSON: {"active": "k1", "keys": {"k1": "<64 hex digits>"}}. One has the keys of the identifier tokens: the
key's id is stored beside each token, the key never; rotation adds a key and moves "active", and members then submit
again under the new key. The other has the keys under which hub.encryption keeps secrets that must be read again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_KEY_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,15}")
_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Keys:
    active: str
    keys: dict[str, bytes] = field(repr=False)


def token_keys() -> Keys:
    """The keys of identifier tokens. Raises ImproperlyConfigured, in one line that names the mend."""
    return _read(settings.TOKEN_KEYS_FILE, "HUB_TOKEN_KEYS_FILE", "token")


def encryption_keys() -> Keys:
    """The keys of hub.encryption. Raises ImproperlyConfigured, in one line that names the mend."""
    return _read(settings.ENCRYPTION_KEYS_FILE, "HUB_ENCRYPTION_KEYS_FILE", "encryption")


@lru_cache(maxsize=8)
def _read(path: str, setting: str, kind: str) -> Keys:
    mend = f'Set {setting} to a JSON file {{"active": "k1", "keys": {{"k1": "<64 hex digits>"}}}}.'
    if not path:
        raise ImproperlyConfigured(f"There is no {kind} key file. {mend}")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        active, keys = content["active"], dict(content["keys"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImproperlyConfigured(f"The {kind} key file can't be read ({type(error).__name__}). {mend}") from None
    if active not in keys or not all(
        isinstance(key, str) and _KEY.fullmatch(key) and _KEY_ID.fullmatch(name) for name, key in keys.items()
    ):
        raise ImproperlyConfigured(f"The {kind} key file is not in order. {mend}")
    return Keys(active, {name: bytes.fromhex(key) for name, key in keys.items()})
