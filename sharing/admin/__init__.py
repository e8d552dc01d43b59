"""Floor 7: the pages of Django's admin for sharing groups, floods, the register of signals and near thresholds."""

from sharing.admin.floods import FloodAdmin
from sharing.admin.groups import SharingGroupAdmin
from sharing.admin.signals import SignalAdmin
from sharing.admin.thresholds import NearThresholdAdmin

__all__ = ["FloodAdmin", "NearThresholdAdmin", "SharingGroupAdmin", "SignalAdmin"]
