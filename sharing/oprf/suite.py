"""The ciphersuite ristretto255-SHA512 of RFC 9497, section 4.1, in its two modes. Ground floor.

The mode goes into every hash, so that one key gives different outputs in OPRF and VOPRF. The hub uses VOPRF alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from hashlib import sha512
from typing import Final

from . import group
from .errors import InvalidElement, InvalidInput, InvalidScalar

LONGEST_INPUT: Final = 2**16 - 1
_BLOCK: Final = bytes(128)  # of zeros, as long as a block of SHA-512


class Mode(IntEnum):
    """Modes of RFC 9497, section 3.1. POPRF is not here: nothing needs it."""

    OPRF = 0
    VOPRF = 1


@dataclass(frozen=True)
class Suite:
    mode: Mode

    @cached_property
    def context(self) -> bytes:
        return b"OPRFV1-" + bytes([self.mode]) + b"-ristretto255-SHA512"

    def element_of(self, message: bytes) -> bytes:
        """The element that an input stands for (HashToGroup). Raises InvalidInput."""
        if len(message) > LONGEST_INPUT:
            raise InvalidInput(f"An input has at most {LONGEST_INPUT} bytes.")
        element = group.element_from(_expanded(message, b"HashToGroup-" + self.context))
        if element == group.IDENTITY:  # nobody knows such an input
            raise InvalidInput("This input stands for the identity element.")
        return element

    def scalar_of(self, message: bytes, purpose: bytes = b"HashToScalar-") -> bytes:
        return group.scalar_from(_expanded(message, purpose + self.context))

    def private_key(self, seed: bytes, info: bytes) -> bytes:
        """The private scalar that a seed and a public text stand for (DeriveKeyPair, section 3.2.1)."""
        if len(seed) != group.SIZE:
            raise InvalidScalar(f"A seed has {group.SIZE} bytes.")
        if len(info) > LONGEST_INPUT:
            raise InvalidInput(f"The text that goes with a seed has at most {LONGEST_INPUT} bytes.")
        for counter in range(256):
            scalar = self.scalar_of(seed + with_length(info) + bytes([counter]), b"DeriveKeyPair")
            if any(scalar):
                return scalar
        raise InvalidScalar("No key can be derived from this seed.")  # 256 times one chance in 2^252

    def blinded(self, message: bytes, blind: bytes) -> bytes:
        return group.times(group.checked_scalar(blind), self.element_of(message))

    def unblinded(self, evaluated: bytes, blind: bytes) -> bytes:
        return group.times(group.inverse(group.checked_scalar(blind)), evaluated)

    def output(self, message: bytes, unblinded: bytes) -> bytes:
        """64 bytes: the end of Finalize and of Evaluate, the same for both."""
        return sha512(with_length(message) + with_length(unblinded) + b"Finalize").digest()


VOPRF: Final = Suite(Mode.VOPRF)


def multiplied(scalar: bytes, elements: list[bytes]) -> list[bytes]:
    """scalar * each of the elements. Raises InvalidElement that tells the place of the wrong one."""
    found = []
    for position, element in enumerate(elements):
        try:
            found.append(group.times(scalar, element))
        except InvalidElement as error:
            raise InvalidElement(str(error), position) from None
    return found


def with_length(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text


def _expanded(message: bytes, purpose: bytes) -> bytes:
    """expand_message_xmd of RFC 9380, section 5.3.1, with SHA-512, to the 64 bytes that are one block of it."""
    suffix = purpose + bytes([len(purpose)])
    size = group.UNIFORM_SIZE.to_bytes(2, "big")
    first = sha512(_BLOCK + message + size + b"\0" + suffix).digest()
    return sha512(first + b"\1" + suffix).digest()
