"""Identifiers of devices: IMEI, MAC address, advertising and installation ids. Ground floor."""

from __future__ import annotations

import re

from stdnum import imei

from .contract import InvalidValue
from .contract import gettext_noop as _
from .keyed import KeyedType
from .unicode_rules import ascii_digits

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MAC = re.compile(
    r"(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}|[0-9a-f]{12})"
)
_IMEI = re.compile(r"[0-9]{15}")
_BETWEEN_DIGITS = re.compile(r"[\s./-]")
_PUNCTUATION = re.compile(r"[:.-]")

# What systems hand out when they hide the true value, and what careless makers leave in.
_SHARED_BY_MANY = frozenset(
    {
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "00:00:00:00:00:00",
        "02:00:00:00:00:00",
        "ff:ff:ff:ff:ff:ff",
        "004999010640000",
        *(str(digit) * 15 for digit in range(10)),
    }
)


class Device(KeyedType):
    """An IMEI (15 digits, Luhn check digit), a MAC address, or an id in the form of a UUID."""

    name = "device"
    title = _("Device identifier")
    description = _(
        "A device's IMEI, MAC address, or advertising or installation id in the form of a UUID. The hub "
        "keeps only a keyed token of it."
    )
    example = "6d92078a-8246-4ba4-ae5b-76104861e7dc"
    digest_mend = _(
        "Give the identifier itself: it becomes a token under a key of the hub, and only the token is stored. "
        "Send UUIDs with dashes."
    )

    def canonical(self, text: str, platform: str) -> str:
        kind, identifier = _recognised(ascii_digits(text).lower())
        if identifier in _SHARED_BY_MANY:
            raise InvalidValue(
                "shared_by_many",
                _("Many devices give this value when they hide their own, so it tells nothing."),
                _("Leave this indicator out."),
            )
        return f"{kind}:{identifier}"


def _recognised(text: str) -> tuple[str, str]:
    """Tell the kind of a device identifier and write it in canonical form."""
    if _UUID.fullmatch(text):
        return "uuid", text
    if _MAC.fullmatch(text):
        digits = _PUNCTUATION.sub("", text)
        return "mac", ":".join(digits[at : at + 2] for at in range(0, 12, 2))
    digits = _BETWEEN_DIGITS.sub("", text)
    if not _IMEI.fullmatch(digits):
        raise InvalidValue(
            "not_a_device",
            _("The value is not an IMEI, a MAC address or a UUID."),
            _("Send a 15-digit IMEI, a MAC address as aa:bb:cc:dd:ee:ff, or a UUID with dashes."),
        )
    if not imei.is_valid(digits):
        raise InvalidValue(
            "bad_check_digit",
            _("The IMEI's check digit is wrong."),
            _("Check the IMEI for a mistyped digit."),
        )
    return "imei", digits
