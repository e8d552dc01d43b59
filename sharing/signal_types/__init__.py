"""Signal types: the kinds of hash and identifier that the hub matches. Ground floor: never imports Django.

A new type is a class that fulfils `contract.SignalType` and a line in `ALL`.
"""

from __future__ import annotations

from types import MappingProxyType

from sharing.signal_types.contact import Email, Phone, Username
from sharing.signal_types.contract import InvalidValue, NearRule, SignalType, distance
from sharing.signal_types.device import Device
from sharing.signal_types.digests import Md5, Sha1, Sha256
from sharing.signal_types.payment import Payment
from sharing.signal_types.perceptual import DHash, Pdq, PHash
from sharing.signal_types.texts import Text
from sharing.signal_types.urls import Url

__all__ = ["ALL", "NAMES", "InvalidValue", "NearRule", "SignalType", "distance", "get"]

ALL: tuple[SignalType, ...] = (
    Pdq(),
    PHash(),
    DHash(),
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

_BY_NAME = MappingProxyType({signal_type.name: signal_type for signal_type in ALL})

NAMES: tuple[str, ...] = tuple(_BY_NAME)


def get(name: str) -> SignalType:
    """Return the signal type of that name. Raises KeyError if there is none."""
    return _BY_NAME[name]
