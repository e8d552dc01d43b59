"""The Actor: who asks, for which organisation, from where, and what they may do at all (floor 1).

Every service and selector takes one, and never a request. An actor is made fresh for each request or task, so that a
suspension or a revoked key counts at once. The anonymous actor may do nothing and sees nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from accounts.models import ApiClient, Organisation, Scope, User
from hub.errors import NotPermitted

_READ: Final = frozenset({Scope.READ_SIGNALS, Scope.READ_MATCHES})
_WORK: Final = _READ | {Scope.WRITE_SIGNALS, Scope.REVIEW_MATCHES, Scope.LOOK_UP, Scope.EVALUATE}
_RUN: Final = _WORK | {Scope.MANAGE_WEBHOOKS}
ROLE_SCOPES: Final[dict[str, frozenset[str]]] = {
    User.Role.OWNER: _RUN,
    User.Role.MANAGER: _RUN,
    User.Role.ANALYST: _WORK,
    User.Role.AUDITOR: _READ,
}


@dataclass(frozen=True, slots=True)
class Actor:
    organisation: Organisation | None
    user: User | None = None
    client: ApiClient | None = None
    # The key that the client brought.
    key_id: int | None = None
    scopes: frozenset[str] = frozenset()
    address: str = ""
    # Answers that hold for one request, such as the ids of the viewable sharing groups.
    remembered: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_known(self) -> bool:
        return self.organisation is not None and self.organisation.is_active

    @property
    def organisation_id(self) -> int | None:
        return self.organisation.pk if self.organisation else None

    @property
    def user_id(self) -> int | None:
        return self.user.pk if self.user else None

    @property
    def client_id(self) -> int | None:
        return self.client.pk if self.client else None

    @property
    def label(self) -> str:
        who = self.user or self.client or "nobody"
        return f"{who} ({self.organisation})" if self.organisation else str(who)

    @property
    def oversees(self) -> bool:
        """An administrator of the hub: staff of an active operator organisation."""
        return (
            self.is_known
            and self.organisation is not None
            and self.organisation.kind == Organisation.Kind.OPERATOR
            and self.user is not None
            and self.user.is_active
            and self.user.is_staff
        )

    @property
    def reads_own_audit(self) -> bool:
        return self.is_known and self.user is not None and self.user.role in (User.Role.OWNER, User.Role.AUDITOR)

    def may(self, scope: str) -> bool:
        return self.is_known and scope in self.scopes

    def require(self, scope: str) -> Organisation:
        """The actor's organisation, if the actor may do this; NotPermitted otherwise."""
        if not self.may(scope) or self.organisation is None:
            raise NotPermitted(f"This needs the scope {scope}.")
        return self.organisation


ANONYMOUS: Final = Actor(organisation=None)


def actor_of_user(user: User, *, address: str = "") -> Actor:
    """The actor for a signed-in person; anonymous when the person or the organisation is not active."""
    if not user.is_active or not user.organisation.is_active:
        return Actor(organisation=None, address=address)
    return Actor(
        organisation=user.organisation, user=user, scopes=ROLE_SCOPES.get(user.role, frozenset()), address=address
    )


def actor_of_client(client: ApiClient, *, key_id: int | None = None, address: str = "") -> Actor:
    """The actor for an API client whose key has just been checked; anonymous when its organisation is not active."""
    if client.revoked_at is not None or not client.organisation.is_active:
        return Actor(organisation=None, address=address)
    scopes = frozenset(client.scopes)
    return Actor(organisation=client.organisation, client=client, key_id=key_id, scopes=scopes, address=address)
