"""Evaluating identifiers that their member has blinded (floor 3). The hub learns how many there are, and nothing else.

Nothing of them is stored: neither the elements, which look like any others each time, nor the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from accounts.actor import Actor
from accounts.identifier_quota import count_identifiers
from accounts.models import Scope
from hub.errors import Conflict, Invalid, NotPermitted, Problem
from hub.keys import token_keys
from sharing import oprf
from sharing.signals.tokens import NO_KEY, key_problem, secret_key

MOST_ELEMENTS: Final = 1_000
SUITE: Final = "ristretto255-SHA512"
MODE: Final = "VOPRF"
_MEND: Final = "Send 64 hexadecimal digits: a blinded element of ristretto255, as the client's blind function gives it."


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The elements in their order, the key under which they were evaluated, and one proof of it for all."""

    key_id: str
    elements: list[bytes]
    proof: bytes


@dataclass(frozen=True, slots=True)
class PublishedKey:
    key_id: str
    public_key: bytes
    not_before: datetime | None
    not_after: datetime | None
    is_active: bool
    is_live: bool


def evaluate_identifiers(*, actor: Actor, elements: Sequence[str], key_id: str = "") -> Evaluated:
    """Evaluate blinded elements, in hexadecimal digits, under the active key or another live one.

    They count against the quota of the organisation before anything is evaluated, and stay counted. Raises Invalid
    with the place of each element that is none, UsedUp, and Conflict when the active key has ended.
    """
    actor.require(Scope.EVALUATE)
    epoch = token_keys().live(key_id)
    if epoch is None and not key_id:
        raise Conflict(NO_KEY)
    problem = key_problem(key_id) if key_id else None
    if problem is not None:
        raise Invalid([problem])
    assert epoch is not None
    blinded = _decoded(elements)
    count_identifiers(actor=actor, number=len(blinded), how="evaluated")
    try:
        evaluated, proof = secret_key(epoch).evaluate(blinded)
    except oprf.InvalidElement as error:
        raise Invalid([_wrong(error.position, str(error))]) from None
    return Evaluated(epoch.key_id, evaluated, proof)


def _decoded(elements: Sequence[str]) -> list[bytes]:
    if not 1 <= len(elements) <= MOST_ELEMENTS:
        message = f"A request holds from 1 to {MOST_ELEMENTS} elements."
        raise Invalid([Problem("/elements", "bad_number", message, "Send them in several requests.")])
    decoded, problems = [], []
    for position, text in enumerate(elements):
        try:
            decoded.append(oprf.element_from_hex(text))
        except oprf.InvalidElement as error:
            problems.append(_wrong(position, str(error)))
    if problems:
        raise Invalid(problems)
    return decoded


def _wrong(position: int, message: str) -> Problem:
    return Problem(f"/elements/{position}", "not_an_element", message, _MEND)


def published_keys(*, actor: Actor) -> list[PublishedKey]:
    """The keys that members may use now or soon, the active one first."""
    if not actor.is_known:
        raise NotPermitted
    keys = token_keys()
    return [
        PublishedKey(
            epoch.key_id,
            secret_key(epoch).public_key,
            epoch.not_before,
            epoch.not_after,
            is_active=epoch.key_id == keys.active,
            is_live=epoch.is_live(),
        )
        for epoch in keys.published()
    ]
