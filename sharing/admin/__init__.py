"""Floor 7: the pages of Django's admin for sharing groups, the register of signals and near thresholds."""

from sharing.admin.groups import SharingGroupAdmin
from sharing.admin.signals import SignalAdmin
from sharing.admin.thresholds import NearThresholdAdmin

__all__ = ["NearThresholdAdmin", "SharingGroupAdmin", "SignalAdmin"]
