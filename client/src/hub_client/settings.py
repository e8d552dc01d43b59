"""Where the hub is and with which key: from arguments, the environment, or a configuration file.

An argument counts before `HUB_URL` and `HUB_KEY`, and these before the file. The file is `$HUB_CONFIG`, or
`hub-client/config.toml` in the folder for configuration (`~/.config`), with two lines:

    url = "https://hub.example"
    key = "hub_..."

    [trusted_keys]           # may be left out: public keys of identifier tokens that you know from elsewhere
    2026a = "64 hexadecimal digits"

It must belong to you and be closed to everybody else (`chmod 600`).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec

from .errors import BadSetting
from .private_files import refuse_open_to_others

_KEY: Final = re.compile(r"hub_[A-Za-z0-9_-]{12}_[A-Za-z0-9_-]{43}")
_API: Final = re.compile("/+api(/+v1)?$")  # as people copy it from the documentation
_ALSO: Final = "if others use this machine, ask for a new key."


@dataclass(frozen=True, slots=True)
class Settings:
    """The hub's address, without a slash at its end, and an API key, which no repr shows."""

    url: str
    key: str = field(repr=False)
    trusted_keys: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def found(
        cls, url: str | None = None, key: str | None = None, config: str | os.PathLike[str] | None = None
    ) -> Settings:
        """Raises BadSetting, which says what is missing or wrong and never holds the key."""
        kept = _from_file(config)
        url = url or os.environ.get("HUB_URL") or kept.url
        key = key or os.environ.get("HUB_KEY") or kept.key
        if not url:
            raise BadSetting("The hub's address is missing.", "Set HUB_URL, or `url` in the configuration file.")
        if not key:
            raise BadSetting("The API key is missing.", "Set HUB_KEY, or `key` in the configuration file.")
        return cls(checked_url(url), _checked_key(key), kept.trusted_keys)


def config_file() -> Path:
    """Where the configuration file is looked for."""
    if named := os.environ.get("HUB_CONFIG"):
        return Path(named)
    folder = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME")
    return (Path(folder) if folder else Path.home() / ".config") / "hub-client" / "config.toml"


def checked_url(url: str) -> str:
    """The address without a slash at its end, and without the API's own part. Over plain HTTP only this machine is
    spoken to: anybody on the way could read the key. Raises BadSetting."""
    try:
        parts = urlsplit(url.strip())
        host, _port = parts.hostname, parts.port
        httpx.URL(url.strip())  # refuses more: names that no address can have
    except (ValueError, httpx.InvalidURL):
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host:
        raise BadSetting("The hub's address is not a web address.", "Write it like https://hub.example.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadSetting(
            "The hub's address holds more than an address.",
            "Leave out user name, password, ? and #; the key goes apart.",
        )
    if parts.scheme == "http" and not _is_this_machine(host):
        raise BadSetting("The hub's address starts with http://, so the key could be read on the way.", "Use https://.")
    return _API.sub("", url.strip().rstrip("/"))


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _checked_key(key: str) -> str:
    if not _KEY.fullmatch(key.strip()):
        raise BadSetting(
            "The API key is not whole.", "It is hub_, 12 characters, _ and 43 characters: copy it again, all of it."
        )
    return key.strip()


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    url: str = ""
    key: str = ""
    trusted_keys: dict[str, str] = {}


def _from_file(named: str | os.PathLike[str] | None) -> _Kept:
    path = Path(named) if named else config_file()
    try:
        with path.open("rb") as file:
            refuse_open_to_others("configuration file", path, os.fstat(file.fileno()), also=_ALSO)
            return msgspec.convert(tomllib.load(file), _Kept)
    except FileNotFoundError:
        if named or os.environ.get("HUB_CONFIG"):
            raise BadSetting(f"There is no configuration file {path}.", "Check its name.") from None
        return _Kept()
    except OSError as error:
        raise BadSetting(f"The configuration file {path} can't be read: {error.strerror}.", "Check rights.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The parser's own words may repeat a line of the file, and the key is in one.
        raise BadSetting(
            f"The configuration file {path} is not TOML.", 'Write lines like url = "https://..."'
        ) from None
    except msgspec.ValidationError:
        raise BadSetting(
            f"The configuration file {path} holds something else.", "It has two texts, url and key, and [trusted_keys]."
        ) from None
