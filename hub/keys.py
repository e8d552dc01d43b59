"""Keys of the identifier tokens (ground). They live outside the database: in a file that only the hub can read.

The file is JSON: {"active": "k1", "keys": {"k1": "<64 hex digits>"}}. The key id is stored beside each token, the key
never. Rotation adds a key and moves "active"; members then submit again under the new key.
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
class TokenKeys:
    active: str
    keys: dict[str, bytes] = field(repr=False)


def token_keys() -> TokenKeys:
    """The keys of this installation. Raises ImproperlyConfigured, in one line that names the mend."""
    return _read(settings.TOKEN_KEYS_FILE)


@lru_cache(maxsize=4)
def _read(path: str) -> TokenKeys:
    mend = 'Set HUB_TOKEN_KEYS_FILE to a JSON file {"active": "k1", "keys": {"k1": "<64 hex digits>"}}.'
    if not path:
        raise ImproperlyConfigured(f"There are no keys for identifier tokens. {mend}")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        active, keys = content["active"], dict(content["keys"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImproperlyConfigured(f"The token key file can't be read ({type(error).__name__}). {mend}") from None
    if active not in keys or not all(
        isinstance(key, str) and _KEY.fullmatch(key) and _KEY_ID.fullmatch(name) for name, key in keys.items()
    ):
        raise ImproperlyConfigured(f"The token key file is not in order. {mend}")
    return TokenKeys(active, {name: bytes.fromhex(key) for name, key in keys.items()})
