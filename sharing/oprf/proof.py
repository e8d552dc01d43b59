"""One proof for many elements that all were evaluated under one key (DLEQ, RFC 9497, section 2.2). Ground floor."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha512
from typing import Final

from . import group
from .errors import InvalidElement, InvalidInput, InvalidProof, InvalidScalar
from .suite import Suite, with_length

PROOF_SIZE: Final = 2 * group.SIZE
# The place of each element goes into the proof as two bytes.
MOST_ELEMENTS: Final = 2**16 - 1


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was evaluated under the key of `public_key`: `blinded` in their order, and what each became."""

    public_key: bytes
    blinded: Sequence[bytes]
    evaluated: Sequence[bytes]

    def __post_init__(self) -> None:
        if len(self.blinded) != len(self.evaluated):
            raise InvalidInput("There must be one evaluated element for each blinded one.")
        if not 1 <= len(self.blinded) <= MOST_ELEMENTS:
            raise InvalidInput(f"From 1 to {MOST_ELEMENTS} elements can be evaluated together.")


def prove(suite: Suite, private: bytes, evaluation: Evaluation, random: bytes | None = None) -> bytes:
    """64 bytes. `random` is for test vectors only: a scalar that serves twice gives the private key away."""
    composite = group.IDENTITY
    for weight, blinded, _evaluated in _weights(suite, evaluation):
        composite = group.plus(composite, group.weighted(weight, blinded))
    random = group.random_scalar() if random is None else group.checked_scalar(random)
    composites = composite, group.times(private, composite)
    challenge = _challenge(
        suite, evaluation.public_key, composites, group.times_base(random), group.times(random, composite)
    )
    return challenge + group.less_product(random, challenge, private)


def verify(suite: Suite, proof: bytes, evaluation: Evaluation) -> None:
    """Raises InvalidProof, or InvalidElement for an evaluated element or a public key that is none."""
    if not isinstance(proof, bytes) or len(proof) != PROOF_SIZE:
        raise InvalidProof(f"A proof has {PROOF_SIZE} bytes.")
    try:
        challenge, response = (group.checked_scalar(half, or_zero=True) for half in (proof[:32], proof[32:]))
    except InvalidScalar:
        raise InvalidProof("The proof is not in canonical form.") from None
    public_key = group.checked_element(evaluation.public_key)
    of_blinded = of_evaluated = group.IDENTITY
    for position, (weight, blinded, evaluated) in enumerate(_weights(suite, evaluation)):
        try:
            of_blinded = group.plus(of_blinded, group.weighted(weight, blinded))
            of_evaluated = group.plus(of_evaluated, group.weighted(weight, evaluated))
        except InvalidElement as error:
            raise InvalidElement(str(error), position) from None
    try:
        base = group.plus(group.times_base(response), group.weighted(challenge, public_key))
        other = group.plus(group.weighted(response, of_blinded), group.weighted(challenge, of_evaluated))
    except InvalidElement:  # the sums cancelled out, which no honest answer does
        raise _wrong() from None
    expected = _challenge(suite, public_key, (of_blinded, of_evaluated), base, other)
    if not hmac.compare_digest(expected, challenge):
        raise _wrong()


def _wrong() -> InvalidProof:
    return InvalidProof("The proof is wrong: these elements were not evaluated under the key that was published.")


def _weights(suite: Suite, evaluation: Evaluation) -> list[tuple[bytes, bytes, bytes]]:
    """A weight for each pair, which depends on all that is fixed before the proof (ComputeComposites)."""
    purpose = b"Seed-" + suite.context
    seed = with_length(sha512(with_length(evaluation.public_key) + with_length(purpose)).digest())
    found = []
    for position, (blinded, evaluated) in enumerate(zip(evaluation.blinded, evaluation.evaluated, strict=True)):
        transcript = seed + position.to_bytes(2, "big") + with_length(blinded) + with_length(evaluated)
        found.append((suite.scalar_of(transcript + b"Composite"), blinded, evaluated))
    return found


def _challenge(suite: Suite, public_key: bytes, composites: tuple[bytes, bytes], base: bytes, other: bytes) -> bytes:
    parts = (public_key, *composites, base, other)
    return suite.scalar_of(b"".join(map(with_length, parts)) + b"Challenge")
