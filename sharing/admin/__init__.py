"""Floor 7: the pages of Django's admin for sharing groups and the register of signals."""

from sharing.admin.groups import SharingGroupAdmin
from sharing.admin.signals import SignalAdmin

__all__ = ["SharingGroupAdmin", "SignalAdmin"]
