"""Host names and addresses in one canonical form, for URLs and e-mail. Ground floor."""

from __future__ import annotations

import ipaddress
import re

import idna

_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_NUMERIC_LABEL = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
_FEWEST_LABELS = 2
_LONGEST_NAME = 253  # RFC 1035, section 2.3.4, less the root's empty label


def canonical_domain(text: str) -> str | None:
    """Return a DNS name in lower-case ASCII form without its final dot, or None if it is not one.

    Letters outside ASCII are mapped by UTS 46 (non-transitional) and encoded by IDNA 2008; ASCII labels,
    `xn--` ones among them, are only put in lower case. A name has at least two labels and the last one is
    not a number.
    """
    try:
        mapped = idna.uts46_remap(text, std3_rules=False)
        labels = [
            label if label.isascii() else idna.alabel(label).decode("ascii")
            for label in mapped.removesuffix(".").split(".")
        ]
    except UnicodeError:
        return None
    name = ".".join(labels)
    if len(labels) < _FEWEST_LABELS or len(name) > _LONGEST_NAME or _NUMERIC_LABEL.fullmatch(labels[-1]):
        return None
    return name if all(_LABEL.fullmatch(label) for label in labels) else None


def canonical_address(text: str) -> str | None:
    """Return a public IP address as it stands in a URL (IPv6 in brackets), or None if it is not one.

    Private, loopback and reserved addresses are no addresses here: the same one means another machine in
    every network, so a match on it would tie strangers together.
    """
    bracketed = text.startswith("[") and text.endswith("]")
    try:
        address = ipaddress.ip_address(text[1:-1] if bracketed else text)
    except ValueError:
        return None
    if bracketed != isinstance(address, ipaddress.IPv6Address) or "%" in text:
        return None
    # Python 3.13 writes IPv4-mapped addresses in another way than 3.12; plain IPv4 is the same in both.
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if not address.is_global:
        return None
    return f"[{address}]" if isinstance(address, ipaddress.IPv6Address) else str(address)
