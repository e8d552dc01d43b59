"""Floor 7: the admin's pages for sharing groups, floods, the register of signals, near thresholds, re-matching."""

from sharing.admin.floods import FloodAdmin
from sharing.admin.groups import SharingGroupAdmin
from sharing.admin.rematches import RematchAdmin
from sharing.admin.signals import SignalAdmin
from sharing.admin.thresholds import NearThresholdAdmin

__all__ = ["FloodAdmin", "NearThresholdAdmin", "RematchAdmin", "SharingGroupAdmin", "SignalAdmin"]
