"""Network addresses: where a request came from, and whether that is allowed (floor 1)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


def client_address(request: HttpRequest) -> str:
    """The address that the request came from, "" when unknown.

    X-Forwarded-For counts only as far as HUB_TRUSTED_PROXIES says: the entry that the outermost trusted proxy added.
    Everything left of it was written by the sender and proves nothing.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    hops = settings.TRUSTED_PROXIES
    if hops:
        forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        peer = forwarded[-hops] if len(forwarded) >= hops else peer
    return _canonical(peer)


# A platform sends from few.
@lru_cache(maxsize=10_000)
def _canonical(peer: str) -> str:
    try:
        found = ip_address(peer.partition("%")[0])  # what follows names our own network card
    except ValueError:
        return ""
    # A server that listens on both kinds sees IPv4 as ::ffff:203.0.113.7, which lies in nobody's allowed network.
    return str(found.ipv4_mapped or found) if isinstance(found, IPv6Address) else str(found)


def network_of(address: str) -> str:
    """Whom to count an address under: itself, or its /64 in IPv6, where one customer has at least so many addresses."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network((found, 64), strict=False) if isinstance(found, IPv6Address) else found)


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Whether the address lies in one of the networks; no networks means any address."""
    wanted = [ip_network(network, strict=False) for network in networks]
    if not wanted:
        return True
    try:
        return any(ip_address(address) in network for network in wanted)
    except ValueError:
        return False


def validate_network(value: str) -> None:
    try:
        ip_network(value, strict=False)
    except ValueError:
        raise ValidationError(_("Write a network such as 203.0.113.0/24 or 2001:db8::/32.")) from None
