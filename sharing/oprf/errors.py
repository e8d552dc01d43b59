"""What can be wrong with what the other side sent. Ground floor: plain Python.

The texts are fixed sentences: none holds any part of an input, an element or a key.
"""

from __future__ import annotations


class OprfError(ValueError):
    """Base of all refusals of this package."""


class InvalidInput(OprfError):
    """The bytes to evaluate are too many, or there are too many of them, or none."""


class InvalidElement(OprfError):
    """A group element of the wrong size, not in canonical form, not in the group, or the identity.

    `position` is its place in the list that was given, counted from 0.
    """

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class InvalidScalar(OprfError):
    """A scalar of the wrong size, zero where it must not be, or not below the order of the group."""


class InvalidProof(OprfError):
    """The proof does not show that these elements were evaluated under the key of this public key."""
