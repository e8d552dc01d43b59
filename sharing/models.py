"""Collects the models of the slices for Django. Write models in the slices, not here."""

from sharing.matching.models import Match, Rematch
from sharing.signals.indicators import Indicator
from sharing.signals.models import AccountDetail, Share, Signal, SignalGrant, SignalIndicator
from sharing.visibility.models import SharingGroup, SharingGroupGrant

__all__ = [
    "AccountDetail",
    "Indicator",
    "Match",
    "Rematch",
    "Share",
    "SharingGroup",
    "SharingGroupGrant",
    "Signal",
    "SignalGrant",
    "SignalIndicator",
]
