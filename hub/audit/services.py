"""Writing the audit (ground)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub.audit.models import Accountable, AuditEntry


@dataclass(frozen=True, slots=True)
class TheHub:
    """Who acts when nobody asked: the hub itself, in a matter of one organisation."""

    organisation_id: int | None
    user_id: None = None
    client_id: None = None
    label: str = "the hub"
    address: str = ""
    oversees: bool = False
    reads_own_audit: bool = False


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
