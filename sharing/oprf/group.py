"""The group ristretto255 (RFC 9496): elements and scalars as the 32 bytes that are sent. Ground floor.

The arithmetic is libsodium's, which takes the same time whatever the secret is. The wrapper does not look at what it
is given when it runs from site-packages, and a short text would have libsodium read beyond it: all sizes are checked
here.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from .errors import InvalidElement, InvalidScalar

try:
    import rbcl
except OSError as error:
    raise ImportError(
        f"libsodium can't be loaded from the temporary folder {gettempdir()} ({error.strerror or error}): it needs "
        "3 MB there and a file system that is not mounted with noexec. Set TMPDIR to another folder."
    ) from None

# Bytes of an element and of a scalar.
SIZE: Final = 32
# Of what a hash hands to `element_from` and `scalar_from`.
UNIFORM_SIZE: Final = 64
IDENTITY: Final = bytes(SIZE)
_HEX: Final = re.compile(rf"[0-9A-Fa-f]{{{2 * SIZE}}}")
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_FIELD: Final = 2**255 - 19


def _clear_away(library: Path) -> None:
    """The wrapper unpacks libsodium into a new temporary file in each process, and leaves it there. Once it is loaded,
    no system but Windows needs the file's name any more."""
    if os.name == "posix" and library.parent == Path(gettempdir()):
        with suppress(OSError):
            library.unlink()


_clear_away(Path(getattr(getattr(rbcl, "_sodium", None), "_name", "")))


def checked_element(encoded: bytes) -> bytes:
    """The element, if it is one other than the identity. Raises InvalidElement."""
    _refuse_by_form(encoded)
    if not rbcl.crypto_core_ristretto255_is_valid_point(encoded):
        raise InvalidElement("This is not an element of the group ristretto255.")
    return encoded


def _refuse_by_form(encoded: bytes) -> None:
    if not isinstance(encoded, bytes) or len(encoded) != SIZE:
        raise InvalidElement(f"An element of the group has {SIZE} bytes.")
    if encoded == IDENTITY:
        raise InvalidElement("The identity element is not allowed: its evaluation is the same under every key.")
    # Each element has one form: an even number below the field's prime (RFC 9496, section 4.3.1).
    if encoded[0] & 1 or int.from_bytes(encoded, "little") >= _FIELD:
        raise InvalidElement("The element is not in canonical form.")


def element_from_hex(text: str) -> bytes:
    """The bytes of an element that was sent as 64 hexadecimal digits, in the one form that it has. Whether it is in the
    group shows when it is multiplied. Raises InvalidElement."""
    if not _HEX.fullmatch(text):
        raise InvalidElement(f"An element of the group is written as {2 * SIZE} hexadecimal digits.")
    encoded = bytes.fromhex(text)
    _refuse_by_form(encoded)
    return encoded


def checked_scalar(encoded: bytes, *, or_zero: bool = False) -> bytes:
    """The scalar, if it is below the group's order and, unless `or_zero`, not zero. Raises InvalidScalar."""
    if not isinstance(encoded, bytes) or len(encoded) != SIZE:
        raise InvalidScalar(f"A scalar has {SIZE} bytes.")
    if int.from_bytes(encoded, "little") >= _ORDER:
        raise InvalidScalar("The scalar is not below the order of the group.")
    if not or_zero and encoded == bytes(SIZE):
        raise InvalidScalar("The scalar is zero.")
    return encoded


def element_from(uniform: bytes) -> bytes:
    """The element that 64 evenly distributed bytes stand for (RFC 9496, section 4.3.4)."""
    assert len(uniform) == UNIFORM_SIZE
    return bytes(rbcl.crypto_core_ristretto255_from_hash(uniform))


def scalar_from(uniform: bytes) -> bytes:
    """64 evenly distributed bytes, the first the least, modulo the group's order."""
    assert len(uniform) == UNIFORM_SIZE
    return bytes(rbcl.crypto_core_ristretto255_scalar_reduce(uniform))


def random_scalar() -> bytes:
    """A scalar other than zero, from the system's source of randomness."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_random())


def times(scalar: bytes, element: bytes) -> bytes:
    """scalar * element, for a checked scalar and any 32 bytes. Raises InvalidElement, for the identity too."""
    _refuse_by_form(element)
    try:
        return bytes(rbcl.crypto_scalarmult_ristretto255(scalar, element))
    except RuntimeError:
        raise InvalidElement("This is not an element of the group ristretto255.") from None


def times_base(scalar: bytes) -> bytes:
    """scalar * the group's generator, for a checked scalar; the identity for zero."""
    return bytes(rbcl.crypto_scalarmult_ristretto255_base(scalar)) if any(scalar) else IDENTITY


def plus(one: bytes, other: bytes) -> bytes:
    """The sum of two checked elements, either of which may be the identity."""
    return bytes(rbcl.crypto_core_ristretto255_add(one, other))


def weighted(scalar: bytes, element: bytes) -> bytes:
    """scalar * element like `times`, but the identity for zero."""
    return times(scalar, element) if any(scalar) else IDENTITY


def inverse(scalar: bytes) -> bytes:
    """1 / scalar, for a checked scalar."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_invert(scalar))


def less_product(one: bytes, factor: bytes, other: bytes) -> bytes:
    """one - factor * other, all checked scalars."""
    product = rbcl.crypto_core_ristretto255_scalar_mul(factor, other)
    return bytes(rbcl.crypto_core_ristretto255_scalar_sub(one, product))
