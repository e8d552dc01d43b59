"""The feed in and out (floor 7)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from rest_framework import serializers

from sharing import signal_types
from sharing.api.serializers.signals import SignalOut
from sharing.api.serializers.strict import StrictSerializer, Text, mendable
from sharing.feeds.contents import Entry, FeedSignal, Removal
from sharing.feeds.services import MOST, FeedPage

_TYPES: Final = f"One or more of {', '.join(signal_types.NAMES)}, with commas."
USUAL: Final = 1_000  # entries of an answer
CHANGES: Final = [("upsert", "upsert"), ("remove", "remove")]
REASONS: Final = [(name, name) for name in ("retracted", "expired", "access_lost", "gone")]


class TypesField(Text):
    """Names of signal types with commas between."""

    def to_internal_value(self, data: Any) -> Any:
        names = tuple(name.strip() for name in super().to_internal_value(data).split(","))
        if not set(names) <= set(signal_types.NAMES):
            raise mendable("This is no list of signal types.", "unknown_type", _TYPES)
        return names

    def to_representation(self, value: Any) -> Any:
        return ",".join(value)


class FeedQuery(StrictSerializer):
    cursor = Text(
        max_length=100, required=False, default="", help_text="From the answer before; leave out to begin anew."
    )
    types = TypesField(
        max_length=200, required=False,
        help_text=f"Only signals that hold one of these. {_TYPES} The same with every cursor.",
    )  # fmt: skip
    group = Text(
        max_length=60, required=False, default="",
        help_text="Only signals of this sharing group, by its short name. The same with every cursor.",
    )  # fmt: skip
    limit = serializers.IntegerField(
        min_value=1, max_value=MOST, default=USUAL, help_text=f"Entries in an answer at most, 1 to {MOST:,}."
    )


class FeedEntryOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    change = serializers.ChoiceField(
        choices=CHANGES, help_text="upsert: this is how it is now. remove: forget it; you may never have had it."
    )
    reason = serializers.ChoiceField(
        choices=REASONS, required=False, help_text="Of a removal. gone: for another reason than those before."
    )
    signal = SignalOut(required=False, help_text="Of an upsert.")


class FeedOut(serializers.Serializer[Any]):
    entries = FeedEntryOut(many=True, help_text="In the order in which they are to be applied. May be empty.")
    cursor = serializers.CharField(help_text="Send it with the next request, also at the end.")
    more = serializers.BooleanField(help_text="There is more: ask again at once.")


def feed_pieces(page: FeedPage, reader: int | None) -> Iterator[bytes]:
    """The body that FeedOut describes, piece by piece: each entry is one, and what stands between them."""
    yield b'{"entries":['
    for number, entry in enumerate(page.entries):
        yield (b"," if number else b"") + _json(_entry_out(entry, reader))
    yield b'],"cursor":%b,"more":%b}' % (_json(page.cursor), _json(page.more))


def _json(value: Any) -> bytes:
    return _encoded(value).encode()


_encoded: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _entry_out(entry: Entry, reader: int | None) -> dict[str, Any]:
    if isinstance(entry, Removal):
        return {"id": str(entry.uuid), "change": "remove", "reason": entry.reason}
    return {"id": str(entry.uuid), "change": "upsert", "signal": _signal_out(entry, reader)}


def _signal_out(row: FeedSignal, reader: int | None) -> dict[str, Any]:
    """As SignalOut shows it, without its cost: a feed has a million of them. Only live signals get here."""
    return {
        "id": str(row.uuid),
        "organisation": row.organisation,
        "external_id": row.external_id if row.organisation_id == reader else None,
        "kind": row.kind,
        "harm": row.harm,
        "severity": row.severity,
        "confidence": row.confidence,
        "tlp": row.tlp,
        "subject_role": row.subject_role,
        "summary": row.summary,
        "lawful_basis": row.lawful_basis,
        "state": "active",
        "observed_at": _time(row.observed_at),
        "expires_at": _time(row.expires_at),
        "created_at": _time(row.created_at),
        "updated_at": _time(row.updated_at),
        "sharing_groups": row.groups,
        "indicators": row.indicators or [],
        "account": None
        if row.platform is None
        else {
            "platform": row.platform,
            "behaviours": row.behaviours,
            "enforcement": row.enforcement,
            "enforced_at": _time(row.enforced_at),
        },
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
