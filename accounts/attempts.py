"""How often sign-in may fail from one network (floor 1). django-axes counts for one account: docs/decisions/0018."""

from __future__ import annotations

import math
from typing import Final

import structlog

from accounts.addresses import network_of
from hub.windows import Window

log = structlog.get_logger(__name__)

# Of one network in one span: an office mistypes some passwords, and each attempt costs about half a second of hashing.
MAX_FAILURES: Final = 60
_failures: Final = Window("sign-in", 15 * 60)


def seconds_to_wait(address: str) -> int:
    """Before an attempt from this address: 0 to go on, otherwise how long sign-in stays closed to its network.

    The attempt counts as failed until `succeeded` says otherwise, so that many at one moment don't all pass.
    """
    network = network_of(address)
    failures = _failures.count(network)
    if failures <= MAX_FAILURES:
        return 0
    if failures == MAX_FAILURES + 1:
        log.warning("sign_in.closed_to_network", network=network)
    return math.ceil(_failures.wait())


def succeeded(address: str) -> None:
    _failures.take_back(network_of(address))
