"""Giving and taking access to a sharing group (floor 2)."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Organisation
from accounts.services import VISIBILITY_GAINED, require_oversight
from hub.audit.services import record
from hub.errors import Invalid, NotPermitted, Problem
from hub.outbox.services import emit
from hub.words import require_no_identifier
from sharing.visibility.models import GroupPermission, SharingGroup, SharingGroupGrant
from sharing.visibility.selectors import may_manage, members


def grant_access(
    *,
    actor: Actor,
    sharing_group: SharingGroup,
    organisation: Organisation,
    permission: GroupPermission,
    reason: str,
) -> None:
    """Let an organisation see, contribute to or manage a group; each permission brings those that it includes."""
    _require_manager(actor, sharing_group)
    if not reason.strip():
        raise Invalid([Problem("/reason", "required", "A grant needs a reason.", "Say why this access exists.")])
    require_no_identifier(reason, "/reason")
    with transaction.atomic():
        for included in permission.with_included:
            _grant, created = SharingGroupGrant.objects.get_or_create(
                content_object=sharing_group,
                group=organisation.group,
                permission=_permission(included),
                defaults={"reason": reason.strip(), "granted_by": actor.user},
            )
            if created and included == GroupPermission.VIEW:
                emit(VISIBILITY_GAINED, {"organisations": [organisation.pk], "group": sharing_group.pk})
        _record("group.granted", actor, sharing_group, organisation, permission=permission.value, reason=reason)


def revoke_access(
    *,
    actor: Actor,
    sharing_group: SharingGroup,
    organisation: Organisation,
    permission: GroupPermission,
    reason: str,
) -> None:
    """Take a permission away, and with it those that include it. Counts from the next request on."""
    _require_manager(actor, sharing_group)
    require_no_identifier(reason, "/reason")
    with transaction.atomic():
        SharingGroupGrant.objects.filter(
            content_object=sharing_group,
            group=organisation.group,
            permission__codename__in=permission.with_including,
        ).delete()
        _record("group.revoked", actor, sharing_group, organisation, permission=permission.value, reason=reason)


def set_group_status(*, actor: Actor, sharing_group: SharingGroup, status: str, reason: str) -> None:
    """Close a group, so that nobody sees signals through it, or open it again with the grants it had."""
    require_oversight(actor)
    require_no_identifier(reason, "/reason")
    with transaction.atomic():
        changed = SharingGroup.objects.filter(pk=sharing_group.pk).exclude(status=status).update(status=status)
        if changed and status == SharingGroup.Status.ACTIVE:
            seeing = members([sharing_group.pk]).values_list("group__organisation", flat=True)
            emit(VISIBILITY_GAINED, {"organisations": sorted(seeing), "group": sharing_group.pk})
        record(
            actor=actor,
            action=f"group.{status}",
            object_type="sharing_group",
            object_id=sharing_group.uuid,
            reason=reason,
        )


def _require_manager(actor: Actor, sharing_group: SharingGroup) -> None:
    if not (actor.oversees or may_manage(actor, sharing_group)):
        raise NotPermitted("Only a manager of this sharing group may change who is in it.")


def _permission(codename: GroupPermission) -> Permission:
    return Permission.objects.get(
        codename=codename, content_type__app_label="sharing", content_type__model="sharinggroup"
    )


def _record(
    action: str, actor: Actor, sharing_group: SharingGroup, organisation: Organisation, *, permission: str, reason: str
) -> None:
    record(
        actor=actor,
        action=action,
        object_type="sharing_group",
        object_id=sharing_group.uuid,
        reason=reason,
        organisation=organisation.slug,
        permission=permission,
    )
