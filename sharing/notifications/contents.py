"""What a message says (floor 5): ids and kinds of what the organisation may see at the moment of sending.

Never content: who gets a message reads the rest over the API, with a key, under the rights that hold then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, Final

from accounts.actor import Actor
from accounts.models import Organisation, Scope
from sharing.matching.models import Match, Rematch
from sharing.notifications.models import EventType
from sharing.signals.models import Signal
from sharing.signals.selectors import audience_ids

Data = dict[str, Any]


def contents(organisation: Organisation, event: str, object_ids: Collection[int]) -> dict[int, Data]:
    """The data of each of these objects that the organisation may be told of, now; others are left out."""
    actor = Actor(organisation=organisation, scopes=frozenset({Scope.READ_MATCHES, Scope.READ_SIGNALS}))
    return _OF[event](actor, object_ids)


def body_of(event: str, at: datetime, data: Data) -> bytes:
    """The message of an attempt, as Standard Webhooks shapes it. `at` is the moment of the event."""
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": event, "timestamp": moment, "data": data}, separators=(",", ":")).encode("ascii")


def _matches(actor: Actor, ids: Collection[int]) -> dict[int, Data]:
    visible = Match.objects.visible_to(actor).filter(pk__in=ids)
    return {
        pk: {"match": str(match), "signal": str(signal), "kind": kind}
        for pk, match, signal, kind in visible.values_list("pk", "uuid", "signal__uuid", "signal__kind")
    }


def _rematches(actor: Actor, ids: Collection[int]) -> dict[int, Data]:
    visible = Rematch.objects.visible_to(actor).filter(pk__in=ids)
    return {
        pk: {"rematch": str(uuid), "cause": cause} for pk, uuid, cause in visible.values_list("pk", "uuid", "cause")
    }


def _retracted(actor: Actor, ids: Collection[int]) -> dict[int, Data]:
    """visible_to shows others no retracted signal: who would see it if it were not retracted may know that it is."""
    audiences = audience_ids(ids, retracted=True)
    told = [pk for pk, organisations in audiences.items() if actor.organisation_id in organisations]
    rows = Signal.objects.filter(pk__in=told).values_list("pk", "uuid", "kind") if actor.is_known else ()
    return {pk: {"signal": str(uuid), "kind": kind} for pk, uuid, kind in rows}


def _nothing(actor: Actor, ids: Collection[int]) -> dict[int, Data]:
    return {pk: {} for pk in ids} if actor.is_known else {}


_OF: Final[dict[str, Callable[[Actor, Collection[int]], dict[int, Data]]]] = {
    EventType.MATCH_FOUND: _matches,
    EventType.MATCH_UPDATED: _matches,
    EventType.MATCH_REVIEWED: _matches,
    EventType.REMATCH_FOUND: _rematches,
    EventType.SIGNAL_RETRACTED: _retracted,
    EventType.TEST: _nothing,
}
