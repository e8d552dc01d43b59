"""Whether an actor may still store what was prepared (floor 3).

A batch is prepared for seconds, outside of any transaction. Of who is suspended meanwhile, or put out of a group,
nothing must be stored afterwards. So the rights are asked for again as the last thing before the commit, and what they
rest on is locked until then: an administrator waits for a commit, and never for a batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import connection

from accounts.actor import Actor
from accounts.models import Organisation, Scope
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
    rests_on: tuple[tuple[str, int | None, str | None], ...] = (
        (_ORGANISATION, organisation.pk, Organisation.Status.ACTIVE),
        (_CLIENT, actor.client_id, Scope.WRITE_SIGNALS),
        (_KEY, actor.key_id, None),
        (_PERSON, actor.user_id, actor.user.role if actor.user else None),
    )
    # FOR SHARE: submissions don't wait for each other, and whoever cuts one of these waits for the commit.
    with connection.cursor() as cursor:
        for statement, pk, as_it_was in rests_on:
            if pk is not None and cursor.execute(statement, {"pk": pk, "was": as_it_was}).rowcount == 0:
                return False
    return True


_ORGANISATION: Final = "SELECT 1 FROM accounts_organisation WHERE id = %(pk)s AND status = %(was)s FOR SHARE"
_CLIENT: Final = """
    SELECT 1 FROM accounts_apiclient WHERE id = %(pk)s AND revoked_at IS NULL AND %(was)s = ANY(scopes) FOR SHARE"""
_KEY: Final = "SELECT 1 FROM accounts_apikey WHERE id = %(pk)s AND revoked_at IS NULL FOR SHARE"
_PERSON: Final = "SELECT 1 FROM accounts_user WHERE id = %(pk)s AND is_active AND role = %(was)s FOR SHARE"
