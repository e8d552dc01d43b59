"""Whether an actor may still store what was prepared (floor 3).

A batch is prepared for seconds, outside of any transaction. Who is suspended meanwhile, or put out of a group, must not
find it stored afterwards. So the rights are asked for again as the last thing before the commit, and what they rest on is
locked until then: an administrator waits for a commit, and never for a batch.
"""

from __future__ import annotations

from collections.abc import Iterable

from accounts.actor import Actor
from accounts.models import ApiClient, Organisation, User
from hub.errors import Conflict, NotPermitted
from sharing.signals.preparation import PreparedSignal, group_problem
from sharing.visibility.selectors import held_for_sharing


def require_still(actor: Actor, prepared: Iterable[PreparedSignal]) -> None:
    """NotPermitted where the actor was suspended, revoked or deactivated since; Conflict where a group of these signals
    was closed, narrowed or taken away. Inside the transaction that stored them."""
    if actor.organisation is None or not _is_still_active(actor, actor.organisation):
        raise NotPermitted("Your access ended while this was being stored. Nothing was stored.")
    pairs = [(group, row) for row in prepared for group in row.groups]
    held = held_for_sharing(actor.organisation, (group.pk for group, _row in pairs))
    if any(group_problem(held.get(group.pk), row.source) is not None for group, row in pairs):
        raise Conflict("A sharing group changed while this was being stored. Nothing was stored; send it again.")


def _is_still_active(actor: Actor, organisation: Organisation) -> bool:
    active = Organisation.objects.raw(
        "SELECT id FROM accounts_organisation WHERE id = %s AND status = %s FOR SHARE",
        [organisation.pk, Organisation.Status.ACTIVE],
    )
    if not list(active):
        return False
    if actor.client is not None:
        return ApiClient.objects.filter(pk=actor.client.pk, revoked_at=None).exists()
    return actor.user is None or User.objects.filter(pk=actor.user.pk, is_active=True).exists()
