"""Tokens of identifiers without telling them: blinded here, evaluated by the hub, its proof checked, finalised here.

The hub sees elements that look like chance, another one each time, and learns only how many there are (RFC 9497).
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from . import calls, oprf
from .answers import Evaluated, IdentifierKey, IdentifierKeys
from .calls import Call
from .errors import ProofFailed, UnexpectedAnswer
from .signal_types import get
from .signals import Indicator

SUITE: Final = ("ristretto255-SHA512", "VOPRF")
AT_ONCE: Final = 500
# Published keys are asked for again after so long: one that ends must not be used by a program that runs for weeks.
KEPT_SECONDS: Final = 600.0
TELL: Final = "Send nothing, and tell the hub's administrators."


class Tokens:
    """Makes tokens under the hub's keys. `trusted` are public keys by id that you know from elsewhere: with them, any
    other is refused; without, the one that the hub published first under an id is the only one taken."""

    def __init__(self, trusted: Mapping[str, str] | None = None) -> None:
        self._trusted = bool(trusted)
        self._known = {key_id: public_key.lower() for key_id, public_key in (trusted or {}).items()}
        self._live: list[IdentifierKey] = []  # the active one first
        self._asked = 0.0

    def tokenised(self, indicators: Sequence[Indicator]) -> Generator[Call[Any], Any, list[Indicator]]:
        """The same indicators, the plain ones among them as tokens under the active key.

        Raises InvalidValue and ProofFailed.
        """
        found = yield from self._all(indicators, only_active=True)
        return [item for _place, item in found]

    def under_live_keys(
        self, indicators: Sequence[Indicator]
    ) -> Generator[Call[Any], Any, list[tuple[int, Indicator]]]:
        """The same, and each plain one under every live key, for others may have submitted it under any of them.

        Gives each with the place of the indicator that it is made of.
        """
        found = yield from self._all(indicators, only_active=False)
        return found

    def _all(
        self, indicators: Sequence[Indicator], *, only_active: bool
    ) -> Generator[Call[Any], Any, list[tuple[int, Indicator]]]:
        messages = {place: _message(item) for place, item in enumerate(indicators) if item.is_plain}
        if not messages:
            return list(enumerate(indicators))
        live = yield from self._live_keys()
        tokens: dict[str, dict[bytes, str]] = {}
        for key in live[:1] if only_active else live:
            tokens[key.key_id] = yield from _tokens_under(key, messages.values())
        found = []
        for place, item in enumerate(indicators):
            if place not in messages:
                found.append((place, item))
                continue
            for key_id, made in tokens.items():
                found.append((place, Indicator(item.type, token=made[messages[place]], key_id=key_id)))
        return found

    def _live_keys(self) -> Generator[Call[Any], Any, list[IdentifierKey]]:
        if not self._live or time.monotonic() - self._asked > KEPT_SECONDS:
            published: IdentifierKeys = yield calls.identifier_keys()
            self._live, self._asked = self._checked(published), time.monotonic()
        return self._live

    def _checked(self, published: IdentifierKeys) -> list[IdentifierKey]:
        if (published.suite, published.mode) != SUITE:
            raise UnexpectedAnswer(
                "The hub makes tokens in a way that this client does not know.", "Update the client."
            )
        live = sorted((key for key in published.keys if key.live), key=lambda key: not key.active)
        if not live or not live[0].active:
            raise UnexpectedAnswer("The hub has no key for tokens at this time.", "Tell its administrators.")
        for key in live:
            public_key = key.public_key.lower()
            known = self._known.get(key.key_id) if self._trusted else self._known.setdefault(key.key_id, public_key)
            if known != public_key:
                raise ProofFailed(f"The hub publishes a key {key.key_id} that is not the one you trust.", TELL)
        return live


def _tokens_under(key: IdentifierKey, messages: Iterable[bytes]) -> Generator[Call[Any], Any, dict[bytes, str]]:
    tokens: dict[bytes, str] = {}
    for some in _parts(dict.fromkeys(messages)):
        outputs = yield from _evaluated(some, key)
        tokens |= {message: oprf.token_from(out).hex() for message, out in zip(some, outputs, strict=True)}
    return tokens


def _parts(messages: Iterable[bytes]) -> Iterator[list[bytes]]:
    waiting = iter(messages)
    while part := list(islice(waiting, AT_ONCE)):
        yield part


def _message(item: Indicator) -> bytes:
    assert isinstance(item.value, str)
    return oprf.token_message(item.type, get(item.type).parse(item.value, platform=item.platform))


def _evaluated(messages: Sequence[bytes], key: IdentifierKey) -> Generator[Call[Any], Any, list[bytes]]:
    blinded = [oprf.blind(message) for message in messages]
    answer: Evaluated = yield calls.evaluate([one.element.hex() for one in blinded], key.key_id)
    try:
        if answer.key_id != key.key_id:
            raise ValueError
        elements = [bytes.fromhex(element) for element in answer.elements]
        return oprf.finalize(blinded, elements, bytes.fromhex(answer.proof), bytes.fromhex(key.public_key))
    except ValueError:  # each refusal of oprf is one
        message = "The hub's proof is wrong: it may have used another key, by which it could tell who asks."
        raise ProofFailed(message, TELL) from None
