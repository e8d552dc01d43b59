"""What a member submits, in one definition for the single, the batch and the portal way (floor 3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class IndicatorInput:
    # repr=False: the value may be a plain identifier, and a repr ends up in logs.
    type: str
    # A list only where the type takes one: the frames of a video. Empty where there is a token.
    value: str | list[Any] = field(default="", repr=False)
    platform: str = ""
    quality: int | None = None
    # An identifier that its member has turned into a token: hexadecimal digits, and the id of the key.
    token: str = field(default="", repr=False)
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class AccountInput:
    platform: str
    behaviours: tuple[str, ...] = ()
    enforcement: str = "none"
    enforced_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignalInput:
    """One signal as its member words it. Groups and organisations are named by slug."""

    kind: str
    harm: str
    severity: str
    tlp: str
    indicators: tuple[IndicatorInput, ...]
    external_id: str | None = None
    confidence: int = 50
    subject_role: str = "unknown"
    summary: str = field(default="", repr=False)
    lawful_basis: str = ""
    observed_at: datetime | None = None
    expires_at: datetime | None = None
    sharing_groups: tuple[str, ...] = ()
    named_organisations: tuple[str, ...] = ()
    account: AccountInput | None = None
