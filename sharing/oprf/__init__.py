"""Tokens of identifiers that nobody but the asker learns: RFC 9497, ristretto255-SHA512, mode VOPRF. Ground floor.

Plain Python on libsodium, without Django: the hub and a partner's client run the same code. `blinding` is the asker's
side, `keys` the hub's.
"""

from __future__ import annotations

from .blinding import Blinded, blind, checked_public_key, finalize
from .errors import InvalidElement, InvalidInput, InvalidProof, InvalidScalar, OprfError
from .group import SIZE, element_from_hex
from .keys import SecretKey
from .proof import MOST_ELEMENTS, PROOF_SIZE
from .tokens import KEY_INFO, TOKEN_SIZE, token_from, token_message

__all__ = [
    "KEY_INFO",
    "MOST_ELEMENTS",
    "PROOF_SIZE",
    "SIZE",
    "TOKEN_SIZE",
    "Blinded",
    "InvalidElement",
    "InvalidInput",
    "InvalidProof",
    "InvalidScalar",
    "OprfError",
    "SecretKey",
    "blind",
    "checked_public_key",
    "element_from_hex",
    "finalize",
    "token_from",
    "token_message",
]
