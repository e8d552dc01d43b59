"""The words that the hub allows in fields that take only some. Its own lists are the same; a test compares them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .errors import Problem
from .signals import NewSignal

KINDS: Final = ("content", "account")
HARMS: Final = (
    "human_trafficking", "people_smuggling", "sexual_exploitation", "child_exploitation", "labour_exploitation",
    "forced_criminality", "document_fraud", "other",
)  # fmt: skip
SEVERITIES: Final = ("low", "medium", "high", "critical")
TLP: Final = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")
SUBJECT_ROLES: Final = ("suspected_offender", "victim", "unknown")
ENFORCEMENTS: Final = ("none", "warned", "restricted", "suspended", "banned")
MOST_PERCENT: Final = 100  # of confidence and quality


def not_allowed(signal: NewSignal) -> Iterator[Problem]:
    """What the hub would refuse for a word or a number that is not allowed there."""
    given = (
        ("/kind", signal.kind, KINDS),
        ("/harm", signal.harm, HARMS),
        ("/severity", signal.severity, SEVERITIES),
        ("/tlp", signal.tlp, TLP),
        ("/subject_role", signal.subject_role, SUBJECT_ROLES),
        ("/account/enforcement", signal.account.enforcement if signal.account else None, ENFORCEMENTS),
    )
    for path, word, allowed in given:
        if word is not None and word not in allowed:
            mend = f"Use one of: {', '.join(allowed)}."
            yield Problem(path, "invalid_choice", "This is not one of the allowed values.", mend)
    numbers = {"/confidence": signal.confidence}
    numbers |= {f"/indicators/{place}/quality": item.quality for place, item in enumerate(signal.indicators)}
    for path, number in numbers.items():
        if number is not None and not 0 <= number <= MOST_PERCENT:
            yield Problem(path, "out_of_range", f"A whole number from 0 to {MOST_PERCENT} is expected.")
