"""How much it says that two signals share something (floor 4; plain Python, no Django).

    term     = weight(type) x closeness(distance, threshold) x rarity(holders)
    strength = 1 - product over families of (1 - strongest term of the family)

The second line is the noisy-or: how likely at least one of several independent causes holds (Pearl, Probabilistic
Reasoning in Intelligent Systems, 1988, section 4.3). Each kind of identifier is a family of its own. All hashes of
pictures, videos and files are one family: that the PDQ and the MD5 of one picture agree is one observation and not two.

Between two content signals nothing is weighed, because there the hash is what the signal is about: strength is the
closeness of the closest hash. A term is weighed as soon as one side is an account.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

# What one shared value says when nobody else holds it: how seldom two people have the same one. Judgements and not
# measurements, see docs/decisions/0020. A type that is missing here is a hash of media.
WEIGHTS: Final = MappingProxyType(
    {
        "email": 0.9,
        "phone": 0.9,
        "payment": 0.9,
        "device": 0.8,
        # The same name on one platform is the same account, unless the platform gives names away again.
        "username": 0.8,
        "url": 0.5,
        "text": 0.5,
    }
)
MEDIA: Final = "media"
MEDIA_WEIGHT: Final = 0.6
# From here on one holder more changes nothing, so that counting may stop.
MOST_HOLDERS: Final = 5_000
_FEWEST_HOLDERS: Final = 2


def closeness(distance: int, threshold: int) -> float:
    """1 for identity, falling towards one half at the threshold. Both in bits."""
    return 1 - distance / (2 * (threshold + 1))


def rarity(holders: int) -> float:
    """1 where the two signals alone hold a value, 1/2 at four holders, 0.1 at a thousand; from 5,000 on the same."""
    counted = min(max(holders, _FEWEST_HOLDERS), MOST_HOLDERS)
    return 1 / (1 + math.log2(counted / _FEWEST_HOLDERS))


def family_of(signal_type: str) -> str:
    """What is one observation however often it agrees: the identifier's own type, or media."""
    return signal_type if signal_type in WEIGHTS else MEDIA


def weight_of(signal_type: str) -> float:
    return WEIGHTS.get(signal_type, MEDIA_WEIGHT)


@dataclass(frozen=True, slots=True)
class Term:
    """What one shared value adds. `holders` are the signals that hold it, as far as the reader may see them; None
    between two content signals, where nothing is weighed."""

    signal_type: str
    distance: int
    threshold: int
    holders: int | None = None

    @property
    def family(self) -> str:
        return family_of(self.signal_type)

    @property
    def closeness(self) -> float:
        return closeness(self.distance, self.threshold)

    @property
    def weight(self) -> float:
        return 1.0 if self.holders is None else weight_of(self.signal_type)

    @property
    def rarity(self) -> float:
        return 1.0 if self.holders is None else rarity(self.holders)

    @property
    def value(self) -> float:
        return self.weight * self.closeness * self.rarity


def combined(terms: Iterable[Term]) -> float:
    """Strength of the terms together, 0 to 1; 0 where there are none. Their order does not matter."""
    strongest: dict[str, float] = {}
    for term in terms:
        strongest[term.family] = max(strongest.get(term.family, 0.0), term.value)
    if len(strongest) == 1:
        return next(iter(strongest.values()))
    # By name, so that the same terms in another order give the same last digit.
    return 1 - math.prod(1 - strongest[family] for family in sorted(strongest))
