"""Reading grants (floor 2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db.models import QuerySet
from guardian.shortcuts import get_objects_for_group  # noqa: TID251 - this is the one door to guardian

from accounts.actor import Actor
from accounts.models import Organisation
from accounts.selectors import Also
from sharing.visibility.models import GroupPermission, SharingGroup, SharingGroupGrant

# What _group_ids asks for VIEW, to be answered in the query of the key that a request brings.
WITH_VIEWABLE_GROUPS: Final = Also(
    GroupPermission.VIEW,
    f"""ARRAY(
    SELECT granted.content_object_id
      FROM sharing_sharinggroupgrant AS granted
      JOIN sharing_sharinggroup AS viewable ON viewable.id = granted.content_object_id
      JOIN auth_permission AS permission ON permission.id = granted.permission_id
     WHERE granted.group_id = organisation.group_id AND permission.codename = '{GroupPermission.VIEW}'
       AND viewable.status = '{SharingGroup.Status.ACTIVE}'
     ORDER BY granted.content_object_id)""",  # noqa: S608 - constants only
)


def viewable_group_ids(actor: Actor) -> list[int]:
    """Ids of the active sharing groups whose signals the actor's organisation may see, asked once for an actor."""
    return _group_ids(actor, GroupPermission.VIEW)


def contributable_groups(actor: Actor) -> QuerySet[SharingGroup]:
    return SharingGroup.objects.filter(pk__in=_group_ids(actor, GroupPermission.CONTRIBUTE))


def may_manage(actor: Actor, sharing_group: SharingGroup) -> bool:
    return sharing_group.pk in _group_ids(actor, GroupPermission.MANAGE)


def _group_ids(actor: Actor, permission: GroupPermission) -> list[int]:
    if actor.organisation is None or not actor.is_known:
        return []
    if permission not in actor.remembered:
        groups = get_objects_for_group(
            actor.organisation.group, permission, klass=SharingGroup, accept_global_perms=False
        )
        actor.remembered[permission] = list(
            groups.filter(status=SharingGroup.Status.ACTIVE).order_by("pk").values_list("pk", flat=True)
        )
    return list(actor.remembered[permission])


def held_for_sharing(organisation: Organisation, sharing_group_ids: Iterable[int]) -> dict[int, SharingGroup]:
    """Those of these groups that the organisation may share with at this moment, by id; inside a transaction.

    Groups and grants are locked (FOR SHARE) until its end, so that none is closed or taken away before. To be asked
    last: whoever closes a group waits for as long.
    """
    ids = sorted(set(sharing_group_ids))
    if not ids:
        return {}
    held = SharingGroup.objects.raw(
        """
        SELECT shared.*
          FROM sharing_sharinggroup AS shared
          JOIN sharing_sharinggroupgrant AS granted ON granted.content_object_id = shared.id
          JOIN auth_permission AS permission ON permission.id = granted.permission_id
         WHERE shared.id = ANY(%s) AND shared.status = %s AND granted.group_id = %s AND permission.codename = %s
         ORDER BY shared.id
           FOR SHARE OF shared, granted""",
        [ids, SharingGroup.Status.ACTIVE, organisation.group_id, GroupPermission.CONTRIBUTE],
    )
    return {group.pk: group for group in held}


def members(sharing_group_ids: Iterable[int]) -> QuerySet[SharingGroupGrant]:
    """Who may see the signals of these groups, and why: one row for each organisation and group."""
    return SharingGroupGrant.objects.filter(
        content_object__in=list(sharing_group_ids),
        content_object__status=SharingGroup.Status.ACTIVE,
        permission__codename=GroupPermission.VIEW,
        group__organisation__status=Organisation.Status.ACTIVE,
    ).select_related("group__organisation", "content_object")
