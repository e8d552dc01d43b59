"""The side that has the key: evaluate what was blinded, prove it, or compute an output directly. Ground floor."""

from __future__ import annotations

from collections.abc import Sequence

from . import group
from .proof import Evaluation, prove
from .suite import VOPRF, Suite, multiplied


class SecretKey:
    """A key pair that is derived from a seed of 32 bytes. Neither seed nor private scalar shows when it is printed.

    `info` is a public text that is bound to the key: another one gives another key. Raises InvalidScalar or
    InvalidInput.
    """

    __slots__ = ("_private", "public_key", "suite")

    def __init__(self, seed: bytes, info: bytes = b"", suite: Suite = VOPRF) -> None:
        self.suite = suite
        self._private = suite.private_key(seed, info)
        self.public_key = group.times_base(self._private)

    def __repr__(self) -> str:
        return f"<SecretKey with public key {self.public_key.hex()}>"

    def __reduce__(self) -> str:
        raise TypeError("A secret key is not written anywhere.")

    def evaluate(self, blinded: Sequence[bytes]) -> tuple[list[bytes], bytes]:
        """The evaluated elements, in their order, and one proof for all (BlindEvaluate).

        Raises InvalidElement with the `position` of the wrong one, or InvalidInput for none or too many.
        """
        evaluated = multiplied(self._private, list(blinded))
        return evaluated, prove(self.suite, self._private, Evaluation(self.public_key, blinded, evaluated))

    def output(self, message: bytes) -> bytes:
        """64 bytes: what the other side gets by blinding and finalising (Evaluate). Raises InvalidInput."""
        return self.suite.output(message, group.times(self._private, self.suite.element_of(message)))

    def private_bytes(self) -> bytes:
        """The private scalar, for a search whether it lies where it must not. Never write it anywhere."""
        return self._private
