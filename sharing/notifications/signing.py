"""Secrets and signatures as Standard Webhooks 1.0 has them, symmetric form (floor 5).

Signed is `<webhook-id>.<webhook-timestamp>.<body>` by HMAC-SHA256. The secret is written `whsec_` and base64 of its 32
random bytes; the signature `v1,` and base64, one for each live secret with a space between.
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

_PREFIX: Final = "whsec_"
_BYTES: Final = 32  # the specification: 24 to 64


def new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode("ascii")


def signed_headers(*, message_id: str, timestamp: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The three headers of a message. `timestamp` is of this attempt, in seconds since 1970."""
    content = b".".join([message_id.encode("ascii"), str(timestamp).encode("ascii"), body])
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(secret, content) for secret in secrets),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode("ascii")
