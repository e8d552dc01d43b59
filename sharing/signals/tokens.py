"""Identifiers as tokens (floor 3): made here from plain values, or made by the member and checked here.

A token is the first 32 of the 64 bytes that the oblivious function (sharing/oprf) gives for the identifier under a key
of the hub. Who blinds an identifier and has it evaluated gets the same bytes as who sends it in plain: one function,
two ways to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from accounts.actor import Actor
from hub.errors import Conflict, Problem
from hub.keys import Epoch, token_keys
from sharing import oprf, signal_types
from sharing.signals.inputs import IndicatorInput

_TOKEN: Final = re.compile(r"[0-9A-Fa-f]{64}")
NO_KEY: Final = (
    "The hub's active token key does not count at this moment. Its operators must rotate it: try again later."
)


@lru_cache(maxsize=8)
def secret_key(epoch: Epoch) -> oprf.SecretKey:
    """The key pair of an epoch. In memory only, like the seed that it comes from."""
    return oprf.SecretKey(epoch.seed, oprf.KEY_INFO)


def token_of(signal_type: str, canonical: bytes) -> tuple[str, bytes]:
    """(key id, 32-byte token) of a normalised identifier under the active key.

    The one place where key and plain value meet. Raises Conflict when the active key has ended.
    """
    epoch = token_keys().live()
    if epoch is None:
        raise Conflict(NO_KEY)
    output = secret_key(epoch).output(oprf.token_message(signal_type, canonical))
    return epoch.key_id, oprf.token_from(output)


def sent_token(item: IndicatorInput) -> bytes | list[Problem]:
    """The 32 bytes of a token that its member made, or what is wrong with it.

    That it was made as it should be can't be seen: a token looks like any 32 bytes. A wrong one matches nothing.
    """
    found = [problem for problem in (_of_type(item), _of_form(item), _of_key(item)) if problem is not None]
    if item.platform:
        message = "A token has the platform in it already."
        found.append(Problem("/platform", "not_with_token", message, "Leave platform out beside a token."))
    return found or bytes.fromhex(item.token)


def _of_type(item: IndicatorInput) -> Problem | None:
    if item.value:
        message = "An indicator has a value or a token, not both."
        return Problem("/token", "value_and_token", message, "Leave value out, so that the identifier stays with you.")
    if not signal_types.get(item.type).keyed:
        message = "Only identifiers are sent as tokens."
        return Problem("/token", "not_an_identifier", message, "Send the hash, address or text as value.")
    return None


def _of_form(item: IndicatorInput) -> Problem | None:
    if _TOKEN.fullmatch(item.token):
        return None
    mend = "Send the first 32 bytes of the function's output as hexadecimal digits."
    return Problem("/token", "bad_token", "A token has 64 hexadecimal digits.", mend)


def _of_key(item: IndicatorInput) -> Problem | None:
    if not item.key_id:
        message = "A token means nothing without the id of its key."
        return Problem("/key_id", "required", message, "Send the key_id that the evaluation answered with.")
    return key_problem(item.key_id)


def key_problem(key_id: str) -> Problem | None:
    """Why a key that a member names can't be used, or None. An unknown id is told like one that has not begun."""
    keys = token_keys()
    if keys.live(key_id) is not None:
        return None
    known = keys.epochs.get(key_id)
    mend = "GET /api/v1/identifiers/keys lists the live keys. Make the token again under the active one."
    if known is not None and known not in keys.published():
        return Problem("/key_id", "key_ended", "This key has ended: its tokens match nothing any more.", mend)
    return Problem("/key_id", "unknown_key", "The hub has no live key of this id.", mend)


PLAIN_REFUSED: Final = Problem(
    "/value",
    "plain_identifier",
    "Your organisation sends identifiers as tokens only, so that the hub never sees them.",
    "Make the token with the hub's client, or with POST /api/v1/identifiers/evaluate. Send token and key_id instead.",
)


KEY_WITHOUT_TOKEN: Final = Problem(
    "/key_id",
    "key_without_token",
    "The id of a key belongs to a token, and there is none.",
    "Send token instead of value, or leave key_id out.",
)


def may_send_plain(actor: Actor) -> bool:
    return actor.organisation is not None and actor.organisation.plain_identifiers


def plain_identifiers(actor: Actor, items: Iterable[IndicatorInput]) -> int:
    """How many identifiers in plain the hub is to make tokens of: they count like those that are evaluated."""
    if not may_send_plain(actor):
        return 0
    return sum(item.type in _KEYED and bool(item.value) for item in items)


_KEYED: Final = frozenset(item.name for item in signal_types.ALL if item.keyed)
