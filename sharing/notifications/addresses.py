"""Which addresses the hub calls for a member, and which it never does (floor 5).

A member chooses the URL, so the hub could be made to call what only it can reach: its own database, the metadata
service of a cloud, a printer. What may be called is decided for numbers, after the name was resolved, because a name
can lead anywhere and elsewhere the next time.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlsplit

from django.conf import settings

from hub.errors import Invalid, Problem
from hub.words import LEAVE_OUT, problem_in
from sharing.signal_types.hosts import canonical_domain

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL: Final = 500
# Of web servers. Any other may be a mail or database server that stumbles over what it is sent.
PORTS: Final = (443, 8443)
_HTTPS_PORT: Final = 443
_HTTP_PORT: Final = 80
# Besides what Python's is_global refuses, which differs between versions. IANA's special-purpose registries.
_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        # Teredo and the like, documentation, 6to4 (an IPv4 address inside), documentation.
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def may_call(address: str, *, port: int, encrypted: bool) -> bool:
    """Whether a request may go to this numeric address. The operators' networks may be called in any way."""
    try:
        meant = _meant(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if any(meant in network for network in _allowed_networks()):
        return True
    return encrypted and port in PORTS and _is_public(meant)


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(address.packed[-4:])
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _NOT_PUBLIC)


def _allowed_networks() -> tuple[Network, ...]:
    return _parsed(tuple(settings.WEBHOOK_ALLOWED_NETWORKS))


@lru_cache(maxsize=8)
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(network) for network in networks)


def read_url(text: str) -> str:
    """The URL as it is stored and called: host in ASCII (IDNA), path percent-encoded. Raises Invalid at "/url".

    Refuses what would be wrong at any address; where the name leads is asked at each call.
    """
    problem = _problem_of_form(text)
    if problem is not None:
        raise Invalid([problem])
    parts = urlsplit(text)
    host = _host(parts.hostname or "")
    if host is None:
        raise Invalid([_bad("host", "This host is no name on the internet.", "Use a name such as hooks.example.org.")])
    default = _HTTPS_PORT if parts.scheme == "https" else _HTTP_PORT
    port = default if parts.port is None else parts.port
    if port not in PORTS and not (parts.scheme == "http" or _allowed_networks()):
        raise Invalid([_bad("port", "This port is not called.", f"Use port {PORTS[0]} or {PORTS[1]}.")])
    where = host if port == default else f"{host}:{port}"
    query = f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
    url = f"{parts.scheme}://{where}{quote(parts.path or '/', safe=_SAFE)}{query}"
    if len(url) > MAX_URL:
        raise Invalid([_bad("too_long", f"The address has more than {MAX_URL} characters.", "Make it shorter.")])
    return url


# Besides letters and digits: what may stand in a path or query (RFC 3986), and % for what is encoded already.
_SAFE: Final = "%/?:@!$&'()*+,;=-._~"


def _problem_of_form(text: str) -> Problem | None:
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in text):
        return _bad("characters", "The address holds a space, a backslash or an unprintable character.", "Encode it.")
    try:
        parts = urlsplit(text)
        _port = parts.port
    except ValueError:
        return _bad("form", "This is no web address.", _EXAMPLE)
    wrong = {
        "form": parts.scheme not in ("http", "https") or not parts.hostname,
        "not_encrypted": parts.scheme == "http" and not _allowed_networks(),
        "credentials": "@" in parts.netloc,
        "fragment": "#" in text,
    }
    for code, is_so in wrong.items():
        if is_so:
            return _bad(code, *_WRONG[code])
    return problem_in(text, "/url", LEAVE_OUT)


_EXAMPLE: Final = "Send one such as https://hooks.example.org/hub."
_WRONG: Final = {
    "form": ("This is no web address.", _EXAMPLE),
    "not_encrypted": ("Only https is called.", "Serve the endpoint over https."),
    "credentials": (
        "The address holds a name or a password.",
        "Leave them out: the signature shows that a message is from the hub.",
    ),
    "fragment": ("The address holds a fragment (#), which is never sent.", "Leave it out."),
}


def _host(host: str) -> str | None:
    """A domain name; a single label or a number only where the operators allow networks of their own."""
    name = canonical_domain(host)
    if name is not None or not _allowed_networks():
        return name
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() if host.isascii() and host.replace("-", "").isalnum() else None
    return f"[{address}]" if address.version == _IPV6 else str(address)


_IPV6: Final = 6


def _bad(code: str, message: str, mend: str) -> Problem:
    return Problem("/url", code, message, mend)
