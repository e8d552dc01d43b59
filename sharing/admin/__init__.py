"""Floor 7: the admin's pages for sharing groups, signals, floods, near thresholds, re-matching and webhooks."""

from sharing.admin.floods import FloodAdmin
from sharing.admin.groups import SharingGroupAdmin
from sharing.admin.rematches import RematchAdmin
from sharing.admin.signals import SignalAdmin
from sharing.admin.thresholds import NearThresholdAdmin
from sharing.admin.webhooks import WebhookDeliveryAdmin, WebhookEndpointAdmin

__all__ = [
    "FloodAdmin",
    "NearThresholdAdmin",
    "RematchAdmin",
    "SharingGroupAdmin",
    "SignalAdmin",
    "WebhookDeliveryAdmin",
    "WebhookEndpointAdmin",
]
