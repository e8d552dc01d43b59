"""What is sent: signals and the indicators in them. Their values are never shown by repr: they may be identifiers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from .signal_types import NAMES, InvalidValue, get

# Stored by the hub as SHA-256 only, so only that is sent.
_HASHED_HERE: Final = ("url", "text")


class Indicator(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One hash or identifier: `value` is a list for `vpdq`, a user name needs its `platform`, `quality` is PDQ's.

    Of an identifier only `token` and `key_id` are sent, in place of `value` and `platform`: the clients make them.
    """

    type: str
    value: str | list[Any] = ""
    platform: str = ""
    quality: int | None = None
    token: str = ""
    key_id: str = ""

    def __repr__(self) -> str:
        return f"Indicator(type={self.type!r}, value=...)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("type", self.type)]

    @property
    def is_plain(self) -> bool:
        """Whether it is an identifier that is not a token yet."""
        return self.type in NAMES and get(self.type).keyed and not self.token

    def prepared(self) -> Indicator:
        """The same, checked and normalised here by the hub's own rules. Of a URL or a text only the SHA-256 is left.

        A type that this release does not know stays as it is. Raises InvalidValue, which never holds the value.
        """
        if self.type not in NAMES or self.token:
            return self
        signal_type = get(self.type)
        if not isinstance(self.value, str):
            signal_type.parse(msgspec.json.encode(self.value).decode())
            return self
        stored = signal_type.parse(self.value, platform=self.platform)
        if signal_type.keyed or signal_type.parts:
            return self
        return msgspec.structs.replace(self, value=signal_type.format(stored))


class Account(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The account that an `account` signal is about. `platform` is a short name."""

    platform: str
    behaviours: tuple[str, ...] = ()
    enforcement: str = "none"
    enforced_at: datetime | None = None


class NewSignal(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """One signal as it is submitted. Give it your own `external_id`: sending it again then changes it.

    `sharing_groups` and `named_organisations` are short names; one of the two is needed.
    """

    indicators: tuple[Indicator, ...]
    harm: str
    severity: str
    kind: str = msgspec.field(default="content")
    external_id: str | None = None
    sharing_groups: tuple[str, ...] = ()
    named_organisations: tuple[str, ...] = ()
    tlp: str | None = None
    confidence: int | None = None
    subject_role: str | None = None
    summary: str = ""
    lawful_basis: str = ""
    observed_at: datetime | None = None
    expires_at: datetime | None = None
    account: Account | None = None

    def __repr__(self) -> str:
        return f"NewSignal(kind={self.kind!r}, harm={self.harm!r}, indicators={len(self.indicators)})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("kind", self.kind), ("harm", self.harm), ("indicators", len(self.indicators))]

    def prepared(self) -> NewSignal:
        """The same with every indicator prepared. Raises InvalidValue; its `path` leads to the indicator."""
        return msgspec.structs.replace(self, indicators=tuple(prepared_all(self.indicators)))

    def body(self) -> dict[str, Any]:
        """As the hub takes it."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return {**fields, "kind": self.kind}

    @property
    def weight(self) -> int:
        """How many values the hub looks up for it: frames of videos count one by one."""
        return sum(1 if isinstance(item.value, str) else 1 + len(item.value) for item in self.indicators)


def prepared_all(indicators: tuple[Indicator, ...]) -> Iterator[Indicator]:
    for position, indicator in enumerate(indicators):
        try:
            yield indicator.prepared()
        except InvalidValue as error:
            before = f"/indicators/{position}/value"
            first, *more = (
                InvalidValue(found.code, found.message, found.mend, before + found.path)
                for found in (error, *error.more)
            )
            first.more = tuple(more)
            raise first from None
