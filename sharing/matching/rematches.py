"""Asking for stored signals to be matched again, and calling it off (floor 4). The work itself: rematching.py."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.actor import Actor
from accounts.services import require_oversight
from hub.audit.services import record
from hub.errors import Conflict, Invalid, NotFound, Problem
from hub.outbox.services import emit
from hub.words import require_no_identifier
from sharing import signal_types
from sharing.matching.models import Rematch

STEP: Final = "rematch.step"
# {"rematch": id}: it has ended, and found something.
ENDED: Final = "rematch.ended"


def start_rematch(*, actor: Actor, reason: str, cause: str = Rematch.Cause.ASKED, signal_type: str = "") -> Rematch:
    """Have all live signals, or those that hold a type, matched again for all recipients. For administrators.

    Returns at once. May be called within the transaction of the change that makes it necessary: it begins after that.
    `cause` is any but "sight", which the hub starts by itself. Raises Invalid for a missing reason or an unknown type.
    """
    require_oversight(actor)
    problems = []
    if not reason.strip():
        problems.append(Problem("/reason", "required", "A re-matching needs a reason.", "Say why it is needed."))
    if signal_type and signal_type not in signal_types.NAMES:
        known = ", ".join(sorted(signal_types.NAMES))
        problems.append(Problem("/signal_type", "unknown", "There is no such signal type.", f"Use one of: {known}."))
    if problems:
        raise Invalid(problems)
    require_no_identifier(reason, "/reason")
    with transaction.atomic():
        rematch = Rematch.objects.create(
            cause=cause, reason=reason.strip(), signal_type=signal_type, requested_by=actor.user
        )
        hand_on(rematch)
        record(
            actor=actor,
            action="rematch.started",
            object_type="rematch",
            object_id=rematch.uuid,
            reason=rematch.reason,
            cause=cause,
            signal_type=signal_type,
        )
    return rematch


def cancel_rematch(*, actor: Actor, uuid: UUID, reason: str) -> Rematch:
    """Stop after the chunk under way. What it has found stays. Conflict when it has ended already."""
    require_oversight(actor)
    require_no_identifier(reason, "/reason")
    with transaction.atomic():
        rematch = Rematch.objects.overseen_by(actor).select_for_update(no_key=True).filter(uuid=uuid).first()
        if rematch is None:
            raise NotFound
        if rematch.state not in (Rematch.State.QUEUED, Rematch.State.RUNNING):
            raise Conflict("This has ended already.")
        rematch.state, rematch.finished_at = Rematch.State.CANCELLED, timezone.now()
        rematch.save(update_fields=["state", "finished_at"])
        announce_end(rematch)
        record(
            actor=actor,
            action="rematch.cancelled",
            object_type="rematch",
            object_id=uuid,
            reason=reason,
            done=rematch.done,
        )
    return rematch


def announce_end(rematch: Rematch) -> None:
    if rematch.found:
        emit(ENDED, {"rematch": rematch.pk})


def hand_on(rematch: Rematch) -> None:
    """Promise the next piece of work, the only one that counts from now on."""
    rematch.step_event_id = emit(STEP, {"rematch": rematch.pk}).pk
    Rematch.objects.filter(pk=rematch.pk).update(step_event_id=rematch.step_event_id)
