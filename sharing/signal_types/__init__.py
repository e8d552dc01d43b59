"""Signal types: the kinds of hash and identifier that the hub matches. Ground floor: never imports Django.

A new type is a class that fulfils `contract.SignalType` and a line in `ALL`.
"""

from __future__ import annotations

from types import MappingProxyType

from .contact import Email, Phone, Username
from .contract import InvalidValue, NearRule, SignalType, distance
from .device import Device
from .digests import Md5, Sha1, Sha256
from .payment import Payment
from .perceptual import DHash, Pdq, PHash
from .texts import Text
from .urls import Url
from .video import Vpdq, VpdqFrame

__all__ = ["ALL", "INTERNAL", "NAMES", "NEAR", "InvalidValue", "NearRule", "SignalType", "distance", "get"]

ALL: tuple[SignalType, ...] = (
    Pdq(),
    PHash(),
    DHash(),
    Vpdq(),
    Md5(),
    Sha1(),
    Sha256(),
    Url(),
    Text(),
    Email(),
    Phone(),
    Username(),
    Device(),
    Payment(),
)

# Stored and compared, but never sent, listed or shown by themselves: parts of other values.
INTERNAL: tuple[SignalType, ...] = (VpdqFrame(),)

_BY_NAME = MappingProxyType({signal_type.name: signal_type for signal_type in ALL + INTERNAL})

NAMES: tuple[str, ...] = tuple(signal_type.name for signal_type in ALL)

# Types of which near values match, the internal ones among them.
NEAR: tuple[str, ...] = tuple(name for name, signal_type in _BY_NAME.items() if signal_type.near)


def get(name: str) -> SignalType:
    """Return the signal type of that name. Raises KeyError if there is none."""
    return _BY_NAME[name]
