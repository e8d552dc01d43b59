"""Writing the audit (ground)."""

from __future__ import annotations

from typing import Any

from hub.audit.models import Accountable, AuditEntry


def record(
    *,
    actor: Accountable,
    action: str,
    object_type: str = "",
    object_id: object = "",
    reason: str = "",
    **detail: Any,
) -> None:
    """Add one entry, in the caller's transaction: what is rolled back was not done.

    `detail` holds counts, ids and names of fields; never a value that somebody submitted.
    """
    AuditEntry.objects.create(
        action=action,
        organisation_id=actor.organisation_id,
        user_id=actor.user_id,
        client_id=actor.client_id,
        actor=actor.label,
        address=actor.address or None,
        object_type=object_type,
        object_id=str(object_id),
        reason=reason,
        detail=detail,
    )
