"""Floor 7: the pages of Django's admin for sharing groups, the register of signals and re-matching."""

from sharing.admin.groups import SharingGroupAdmin
from sharing.admin.rematches import RematchAdmin
from sharing.admin.signals import SignalAdmin

__all__ = ["RematchAdmin", "SharingGroupAdmin", "SignalAdmin"]
