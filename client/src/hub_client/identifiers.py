"""Tokens of identifiers without telling them: blinded here, evaluated by the hub, its proof checked, finalised here.

The hub sees elements that look like chance, another one each time, and learns only how many there are (RFC 9497).
"""

from __future__ import annotations

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
_TELL: Final = "Send nothing, and tell the hub's administrators."


class Tokens:
    """Makes tokens under the hub's active key. `trusted` are public keys by id that you know from elsewhere: with
    them, another key is refused; without, the key that the hub publishes is asked for once and kept."""

    def __init__(self, trusted: Mapping[str, str] | None = None) -> None:
        self._trusted = dict(trusted or {})
        self._key: IdentifierKey | None = None

    def tokenised(self, indicators: Sequence[Indicator]) -> Generator[Call[Any], Any, list[Indicator]]:
        """The same indicators, the plain ones among them as tokens. Raises InvalidValue and ProofFailed."""
        messages = {place: _message(item) for place, item in enumerate(indicators) if item.is_plain}
        if not messages:
            return list(indicators)
        key = yield from self._active_key()
        tokens: dict[bytes, str] = {}
        for some in _parts(dict.fromkeys(messages.values())):
            outputs = yield from _evaluated(some, key)
            tokens |= {message: oprf.token_from(out).hex() for message, out in zip(some, outputs, strict=True)}
        return [
            Indicator(item.type, token=tokens[messages[place]], key_id=key.key_id) if place in messages else item
            for place, item in enumerate(indicators)
        ]

    def _active_key(self) -> Generator[Call[Any], Any, IdentifierKey]:
        if self._key is None:
            published: IdentifierKeys = yield calls.identifier_keys()
            self._key = self._checked(published)
        return self._key

    def _checked(self, published: IdentifierKeys) -> IdentifierKey:
        if (published.suite, published.mode) != SUITE:
            raise UnexpectedAnswer(
                "The hub makes tokens in a way that this client does not know.", "Update the client."
            )
        key = next((key for key in published.keys if key.active and key.live), None)
        if key is None:
            raise UnexpectedAnswer("The hub has no key for tokens at this time.", "Tell its administrators.")
        if self._trusted and self._trusted.get(key.key_id, "").lower() != key.public_key.lower():
            raise ProofFailed(f"The hub publishes a key {key.key_id} that is not the one you trust.", _TELL)
        return key


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
        raise ProofFailed(message, _TELL) from None
