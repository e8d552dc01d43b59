"""The admin's pages for members: organisations, people, API clients (floor 1)."""

from accounts.admin.clients import ApiClientAdmin
from accounts.admin.identifiers import IdentifierAlertAdmin, IdentifierDayAdmin
from accounts.admin.organisations import OrganisationAdmin
from accounts.admin.users import UserAdmin

__all__ = ["ApiClientAdmin", "IdentifierAlertAdmin", "IdentifierDayAdmin", "OrganisationAdmin", "UserAdmin"]
