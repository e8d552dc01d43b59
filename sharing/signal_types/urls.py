"""URLs: one canonical form, then SHA-256, so that a hash made by a member equals the hub's. Ground floor."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from url_normalize import url_normalize

from .contract import InvalidValue
from .contract import gettext_noop as _
from .hexadecimal import HashedContent
from .hosts import canonical_address, canonical_domain
from .unicode_rules import tidy

LONGEST_URL = 4096

# Names that only tell who sent a visitor, on every site. Names that are tracking on one site and content on
# another (ref, s, t, si) stay: dropping them would make different pages equal.
TRACKING_PREFIXES = ("utm_",)
TRACKING_PARAMETERS = frozenset(
    {
        "_branch_match_id",
        "_ga",
        "_gl",
        "_hsenc",
        "_hsmi",
        "_openstat",
        "__hsfp",
        "__hssc",
        "__hstc",
        "dclid",
        "epik",
        "fb_action_ids",
        "fb_action_types",
        "fb_ref",
        "fb_source",
        "fbclid",
        "gbraid",
        "gclid",
        "gclsrc",
        "hsctatracking",
        "igsh",
        "igshid",
        "irclickid",
        "li_fat_id",
        "mc_cid",
        "mc_eid",
        "mibextid",
        "mkt_tok",
        "ml_subscriber",
        "ml_subscriber_hash",
        "msclkid",
        "oly_anon_id",
        "oly_enc_id",
        "rb_clickid",
        "s_cid",
        "srsltid",
        "ttclid",
        "twclid",
        "vero_conv",
        "vero_id",
        "wbraid",
        "wickedid",
        "yclid",
        "ysclid",
    }
)

_PORTS = range(1, 65536)
_HTTP_PORT = 80

_START = re.compile(r"(https?)://([^/?#]*)([^#]*)(?:#(.*))?", re.IGNORECASE | re.DOTALL)
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(?::([0-9]{0,5}))?")


class Url(HashedContent):
    """SHA-256 of a URL's canonical form."""

    name = "url"
    title = _("Web address (URL)")
    description = _(
        "A web address, put into its canonical form and stored only as SHA-256, or the 64 hexadecimal digits "
        "of that hash by the same published rule."
    )
    example = "https://www.example.com/listing?id=42"
    longest = LONGEST_URL

    def canonical(self, text: str) -> str:
        return canonical_url(text)


def canonical_url(value: str) -> str:
    """Return the canonical form of an http or https URL; the published rule is in docs/signal-types.md.

    The result is ASCII, at most 4,096 characters, and its own canonical form. Raises InvalidValue.
    """
    host, port, rest = _split(tidy(value, longest=LONGEST_URL))
    # The scheme has gone by here: the same page answers on both, and nearly all redirect to https.
    normalised = url_normalize(f"https://{host}{port}{rest}")
    parts = urlsplit(normalised or "")
    path = parts.path.rstrip("/") or "/"
    canonical = urlunsplit(("https", parts.netloc, path, _canonical_query(parts.query), ""))
    if len(canonical) > LONGEST_URL:
        raise InvalidValue(
            "too_long",
            _("The URL is longer than 4,096 characters once it is percent-encoded."),
            _("Send the address of the page itself, without data packed into it."),
        )
    return canonical


def _split(text: str) -> tuple[str, str, str]:
    """Take a URL apart into canonical host, port with its colon or nothing, and path with query."""
    found = _START.fullmatch(text)
    if found is None:
        raise InvalidValue(
            "not_a_web_address",
            _("The value is not a web address."),
            _("Send the whole address, starting with http:// or https://."),
        )
    scheme, authority, rest, fragment = found.groups(default="")
    if "\\" in text:
        raise InvalidValue("backslash", _("The URL holds a backslash."), _("Write it as / or %5C, whichever is meant."))
    if "@" in authority:
        raise InvalidValue(
            "user_information",
            _("The URL holds a user name or password before the host."),
            _("Remove everything up to and including the @ before the host."),
        )
    if fragment.startswith(("!", "/")):
        raise InvalidValue(
            "page_in_fragment",
            _("This site names its page after the # sign, which is not part of the canonical form."),
            _("Send the page's share link, or hashes of its content, instead."),
        )
    host_and_port = _HOST_AND_PORT.fullmatch(authority)
    if host_and_port is None:
        raise _bad_host()
    host, port = host_and_port.groups(default="")
    return _canonical_host(host), _canonical_port(port, scheme.lower()), rest


def _canonical_host(text: str) -> str:
    host = canonical_address(text) or canonical_domain(text)
    if host is None:
        raise _bad_host()
    return host


def _bad_host() -> InvalidValue:
    return InvalidValue(
        "bad_host",
        _("The URL's host is not a public host name or address."),
        _("Check the part between // and the next /. Names that are refused can be sent in their xn-- form."),
    )


def _canonical_port(port: str, scheme: str) -> str:
    if port == "":
        return ""
    number = int(port)
    if number not in _PORTS:
        raise InvalidValue(
            "bad_port",
            _("The URL's port is out of range."),
            _("Use a port from 1 to 65535, or leave it out."),
        )
    # The library drops 443 by itself, but it no longer sees that the URL was sent as http.
    return "" if number == _HTTP_PORT and scheme == "http" else f":{number}"


def _canonical_query(query: str) -> str:
    """Drop tracking parameters and sort by name; parameters of one name keep their order."""
    named = [(parameter.partition("=")[0], parameter) for parameter in query.split("&")]
    kept = [
        (name, parameter)
        for name, parameter in named
        if name.lower() not in TRACKING_PARAMETERS and not name.lower().startswith(TRACKING_PREFIXES)
    ]
    return "&".join(parameter for _name, parameter in sorted(kept, key=lambda pair: pair[0]))
