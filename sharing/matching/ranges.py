"""Looking up by the first digits of a hash: the hub does not learn which of them was meant (floor 4).

k-anonymity by range, as the Pwned Passwords API has it; what a prefix gives away: Li et al., "Protocols for Checking
Compromised Credentials" (CCS 2019).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from accounts.actor import Actor
from accounts.models import Scope
from hub.audit.tallies import tally
from hub.errors import Invalid, Problem
from sharing import signal_types
from sharing.matching.lookups import MOST
from sharing.signals.holders import counted_between

# 20 bits: of a thousand million different files about a thousand share each prefix.
PREFIX: Final = 5
MOST_SUFFIXES: Final = 1_000
# Types that match by identity only, and whose hash a member can make itself.
TYPES: Final = tuple(item.name for item in signal_types.ALL if not (item.near or item.parts or item.keyed))
_DIGITS: Final = re.compile(rf"[0-9A-Fa-f]{{{PREFIX}}}")
_SUFFIX: Final = re.compile(r"[0-9a-f]+")


class Suffix(NamedTuple):
    """The rest of a hash, in hexadecimal digits; how many signals hold it, at most MOST, and whether there are more."""

    digits: str
    signals: int
    more: bool


def suffixes(*, actor: Actor, signal_type: str, prefix: str, after: str = "") -> tuple[list[Suffix], str | None]:
    """The hashes with this prefix that the actor may be told of, by their digits, and where the next page begins.

    `after` is the suffix that the last page ended with. Raises Invalid: another type, no such prefix, no such suffix.
    """
    actor.require(Scope.LOOK_UP)
    size = _checked(signal_type, prefix, after)
    tally(actor=actor, action="signals.range_looked_up", items=1)
    low = bytes.fromhex((prefix + after).ljust(2 * size, "0"))
    high = bytes.fromhex(prefix.ljust(2 * size, "f"))
    rows = counted_between(actor, signal_type, low, high, past_low=bool(after), most=MOST + 1, rows=MOST_SUFFIXES + 1)
    found = [Suffix(value.hex()[PREFIX:], min(count, MOST), count > MOST) for value, count in rows]
    return found[:MOST_SUFFIXES], found[MOST_SUFFIXES - 1].digits if len(found) > MOST_SUFFIXES else None


def _checked(signal_type: str, prefix: str, after: str) -> int:
    """Bytes of a hash of the type."""
    if signal_type not in TYPES:
        mend = f"Use one of: {', '.join(TYPES)}. Others are looked up with POST /api/v1/lookups."
        raise Invalid([Problem("/type", "no_ranges", "Hashes of this type can't be looked up by prefix.", mend)])
    if not _DIGITS.fullmatch(prefix):
        mend = f"Send the first {PREFIX} hexadecimal digits of the hash: no more, they would say which hash is meant."
        raise Invalid([Problem("/prefix", "wrong_prefix", "This is no prefix of a hash.", mend)])
    size = signal_types.get(signal_type).size
    if after and not (len(after) == 2 * size - PREFIX and _SUFFIX.fullmatch(after)):
        raise Invalid([Problem("/after", "bad_cursor", "This is no cursor of this list.", "Follow `next`.")])
    return size
