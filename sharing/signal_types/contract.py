"""What every signal type promises: normalise, validate, compare. Ground floor: pure Python, no Django."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar


def gettext_noop(message: str) -> str:
    """Mark a message for the translation tools; the floors above translate it when they show it."""
    return message


class InvalidValue(ValueError):
    """A value that its signal type refuses.

    `code` is a short slug for programs, `message` says what is wrong and `mend` how to put it right. The
    texts are fixed sentences: they never hold any part of the value, which may be somebody's phone number.
    Of a value with parts, `path` is a JSON pointer to the wrong one, and `more` holds further refusals.
    """

    def __init__(self, code: str, message: str, mend: str, path: str = "") -> None:
        super().__init__(code, message, mend, path)
        self.code = code
        self.message = message
        self.mend = mend
        self.path = path
        self.more: tuple[InvalidValue, ...] = ()

    def __str__(self) -> str:
        return f"{self.message} {self.mend}"


@dataclass(frozen=True, slots=True)
class NearRule:
    """How close two values must be to match: thresholds are Hamming distances, in bits out of `bits`."""

    bits: int
    default_threshold: int
    max_threshold: int


class SignalType(ABC):
    """One kind of hash or identifier and its rules.

    `title` and `description` appear in the published catalogue, `example` is a value that `parse` accepts
    (with any platform where `needs_platform` is set). `size` is the number of bytes stored. `keyed` marks
    an identifier: its canonical bytes become a keyed token before anything is stored. `parts` names
    the internal type under which the parts of a value are stored and compared; empty for a value that is whole.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    example: ClassVar[str]
    size: ClassVar[int]
    keyed: ClassVar[bool] = False
    needs_platform: ClassVar[bool] = False
    near: ClassVar[NearRule | None] = None
    parts: ClassVar[str] = ""

    @abstractmethod
    def parse(self, value: str, *, platform: str = "") -> bytes:
        """Normalise and validate a value as a member sent it.

        Returns the bytes that are stored, or, for a keyed type, the canonical plain bytes that the hub turns
        into a token. `platform` is a slug and counts only where `needs_platform` is set.
        Raises InvalidValue and nothing else.
        """

    def format(self, stored: bytes) -> str:
        """Show stored bytes to a person: lower-case hexadecimal, for hashes and tokens alike."""
        return stored.hex()


def distance(a: bytes, b: bytes) -> int:
    """Count the bits in which two hashes of one size differ (Hamming). Raises ValueError for two sizes."""
    if len(a) != len(b):
        raise ValueError("Hashes of different sizes cannot be compared.")
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()
