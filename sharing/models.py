"""Collects the models of the slices for Django. Write models in the slices, not here."""

from sharing.feeds.models import AccessSpan, PastAudience
from sharing.matching.floods.models import Flood, FloodNotice, FloodSignal
from sharing.matching.models import Match, Rematch
from sharing.matching.thresholds import NearThreshold
from sharing.notifications.models import WebhookDelivery, WebhookEndpoint, WebhookSecret, WebhookTurn
from sharing.signals.bulk.models import BulkChunk, BulkUpload
from sharing.signals.frames import VideoFrame
from sharing.signals.indicators import Indicator
from sharing.signals.models import AccountDetail, Share, Signal, SignalGrant, SignalIndicator
from sharing.visibility.models import SharingGroup, SharingGroupGrant

__all__ = [
    "AccessSpan",
    "AccountDetail",
    "BulkChunk",
    "BulkUpload",
    "Flood",
    "FloodNotice",
    "FloodSignal",
    "Indicator",
    "Match",
    "NearThreshold",
    "PastAudience",
    "Rematch",
    "Share",
    "SharingGroup",
    "SharingGroupGrant",
    "Signal",
    "SignalGrant",
    "SignalIndicator",
    "VideoFrame",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookSecret",
    "WebhookTurn",
]
