"""The side that has the values: blind, send, check the proof, finalise. Ground floor.

sent = [blind(message) for message in messages]
evaluated, proof = ...                                    # from the hub, for [one.element for one in sent]
outputs = finalize(sent, evaluated, proof, public_key)    # with the public key that was known before
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from . import group
from .errors import InvalidElement
from .proof import Evaluation, verify
from .suite import VOPRF, Suite


@dataclass(frozen=True, slots=True)
class Blinded:
    """`element` is sent; `message` and `blind` stay: whoever has element and blind can try messages."""

    element: bytes
    message: bytes = field(repr=False)
    blind: bytes = field(repr=False)


def blind(message: bytes, suite: Suite = VOPRF, scalar: bytes | None = None) -> Blinded:
    """Blind a message of at most 65,535 bytes. Raises InvalidInput.

    `scalar` is for test vectors only: each blinding takes a fresh one, or equal values would show.
    """
    scalar = group.random_scalar() if scalar is None else scalar
    return Blinded(suite.blinded(message, scalar), message, scalar)


def finalize(
    sent: Sequence[Blinded], evaluated: Sequence[bytes], proof: bytes, public_key: bytes, suite: Suite = VOPRF
) -> list[bytes]:
    """The 64-byte outputs, in the order of `sent`, after the one proof for all was checked.

    Raises InvalidProof for a forged one, InvalidElement for an evaluated element that is none, InvalidInput for
    lists of different length.
    """
    verify(suite, proof, Evaluation(public_key, [one.element for one in sent], evaluated))
    return [unblinded_output(one, element, suite) for one, element in zip(sent, evaluated, strict=True)]


def unblinded_output(one: Blinded, evaluated: bytes, suite: Suite) -> bytes:
    """Finalize without a look at a proof: all there is in mode OPRF, and the end of it in mode VOPRF."""
    return suite.output(one.message, suite.unblinded(evaluated, one.blind))


def checked_public_key(encoded: bytes) -> bytes:
    """A public key as it was published. Raises InvalidElement."""
    try:
        return group.checked_element(encoded)
    except InvalidElement as error:
        raise InvalidElement(f"The public key is wrong. {error}") from None
