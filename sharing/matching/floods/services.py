"""Deciding about floods (floor 4)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.actor import Actor
from accounts.services import require_oversight
from hub.audit.services import record
from hub.errors import Invalid, Problem
from hub.words import LEAVE_OUT, problem_in
from sharing.matching.floods.models import Flood


def decide_flood(*, actor: Actor, flood: Flood, decision: str, reason: str, until: datetime | None = None) -> Flood:
    """Exclude a flood, let it alert all the same, or take such a decision back ("open").

    Each needs a reason; the first two an end, after which the flood counts as open again. An administrator of the hub
    only. Raises Invalid.
    """
    require_oversight(actor)
    decision, reason = str(decision), reason.strip()
    problems = _problems(decision, reason, until)
    if problems:
        raise Invalid(problems)
    with transaction.atomic():
        locked = Flood.objects.select_for_update().get(pk=flood.pk)
        before = locked.in_force
        locked.decision, locked.reason, locked.decided_until = decision, reason, until
        locked.decided_by = actor.user
        locked.save(update_fields=["decision", "reason", "decided_until", "decided_by"])
        record(
            actor=actor,
            action="flood.decided",
            object_type="flood",
            object_id=locked.uuid,
            reason=reason,
            before=before,
            decision=decision,
            until=until.isoformat() if until else None,
        )
    return locked


def _problems(decision: str, reason: str, until: datetime | None) -> list[Problem]:
    problems = []
    if decision not in Flood.Decision.values:
        mend = f"Use one of: {', '.join(Flood.Decision.values)}."
        problems.append(Problem("/decision", "invalid_choice", "There is no such decision.", mend))
    if not reason:
        problems.append(Problem("/reason", "required", "A decision needs a reason.", "Say why it was taken."))
    elif found := problem_in(reason, "/reason", LEAVE_OUT):
        problems.append(found)
    if decision == Flood.Decision.OPEN:
        if until is not None:
            problems.append(
                Problem("/until", "not_allowed", "To summarise is the rule and has no end.", "Leave it out.")
            )
    elif until is None:
        problems.append(Problem("/until", "required", "A decision needs an end.", "Say until when it holds."))
    elif until <= timezone.now():
        problems.append(Problem("/until", "in_the_past", "This end has passed.", "Choose a later time."))
    return problems
