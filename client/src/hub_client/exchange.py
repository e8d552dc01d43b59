"""One exchange with the hub: what is sent, what the answer means, and how long to wait before trying again."""

from __future__ import annotations

import platform
import random
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import httpx
import msgspec

from . import __version__
from .calls import Call
from .errors import (
    Conflict,
    Gone,
    HubClientError,
    HubFailed,
    HubUnavailable,
    Invalid,
    KeyRefused,
    NoAnswer,
    NotFound,
    NotPermitted,
    Problem,
    Refused,
    TooManyRequests,
    UnexpectedAnswer,
)
from .reading import ACCEPTED
from .settings import Settings

Answer = TypeVar("Answer")

TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
# For an upload: its answer comes when all of it is stored.
PATIENT: Final = httpx.Timeout(600.0, connect=10.0)
_USER_AGENT: Final = f"hub-client/{__version__} Python/{platform.python_version()}"
_KINDS: Final[dict[int, tuple[type[Refused], str]]] = {
    400: (Invalid, "Mend what is named below, and send it again."),
    401: (KeyRefused, "Check the key with the hub's administrators; they can also tell its networks and last day."),
    403: (NotPermitted, "`hub-client whoami` lists what this key may do."),
    404: (NotFound, "It is absent, or hidden from you."),
    409: (Conflict, "Read it again before you change it."),
    410: (Gone, "Begin anew."),
    413: (Invalid, "Send it in smaller parts."),
    429: (TooManyRequests, "Send fewer requests a minute, or ask the administrators for more."),
    500: (HubFailed, "This is a defect of the hub: tell its administrators."),
    502: (HubUnavailable, "Try again later."),
    503: (HubUnavailable, "Try again later."),
    504: (HubUnavailable, "Try again later."),
}
# JSON that is none, or is nested so deep that it can't be an answer.
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_THROTTLED: Final = "Request was throttled."
# With these the hub says that nothing was done.
_NOTHING_DONE: Final = (429, 503)
_ONCE_MORE: Final = (500,)
# What parsedate_to_datetime raises for what is no date, and what follows from one without a zone.
NO_DATE: Final = (ValueError, TypeError, OverflowError, IndexError)


class _ProblemDetails(msgspec.Struct):
    detail: str = ""
    errors: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long to try again: `attempts` in all, waits that double from `first` seconds to `most`.

    Each wait is drawn at random up to that figure, so that many clients do not come back at the same moment. What the
    hub says (`Retry-After`) counts before it, up to `longest` seconds.
    """

    attempts: int = 6
    first: float = 0.5
    most: float = 30.0
    longest: float = 120.0

    def wait(self, attempt: int, failure: HubClientError, call: Call[Any]) -> float | None:
        """Seconds to wait after this attempt, counted from 1; None to give up."""
        if attempt >= self.attempts or not _worth_trying(failure, call, attempt):
            return None
        drawn = random.uniform(0, min(self.most, self.first * 2**attempt))  # noqa: S311 - no secret
        asked = failure.retry_after if isinstance(failure, Refused) else None
        if asked is None:
            return drawn
        return None if asked > self.longest else asked + min(drawn, 1.0)


def _worth_trying(failure: HubClientError, call: Call[Any], attempt: int) -> bool:
    if isinstance(failure, NoAnswer):
        return not failure.lasting and (call.repeatable or not failure.maybe_done)
    if isinstance(failure, Refused):
        if failure.status in _NOTHING_DONE:
            return True
        if failure.status in _ONCE_MORE:
            return call.repeatable and attempt == 1
        return isinstance(failure, HubUnavailable) and call.repeatable
    return False


def headers_of(settings: Settings) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {settings.key}", "Accept": "application/json", "Accept-Encoding": ACCEPTED,
        "User-Agent": _USER_AGENT,
    }  # fmt: skip


def request_of(call: Call[Any]) -> dict[str, Any]:
    """The arguments of httpx's `request`."""
    sent: dict[str, Any] = {"method": call.method, "url": call.path}
    if call.params:
        sent["params"] = dict(call.params)
    if call.stream is not None:
        sent |= {"content": call.stream.pieces(), "headers": dict(call.headers), "timeout": PATIENT}
    if call.body is not None:
        sent["content"] = msgspec.json.encode(call.body)
        sent["headers"] = {"Content-Type": "application/json"}
    return sent


@contextmanager
def failures_told() -> Iterator[None]:
    """What goes wrong while something is sent or read, as an error of ours."""
    try:
        yield
    except httpx.TransportError as error:
        raise no_answer(error) from None
    except httpx.InvalidURL:
        raise UnexpectedAnswer("The address to ask is none that can be asked.", "Check the hub's address.") from None


def answer_of(call: Call[Answer], response: httpx.Response, body: bytes) -> Answer:
    """Raises Refused for an error that the hub tells, UnexpectedAnswer for what is no answer of a hub."""
    if not response.is_success:
        raise _refusal(response, body)
    try:
        return msgspec.json.decode(body, type=call.answer)
    except _UNREADABLE:
        raise UnexpectedAnswer(
            "What answered does not speak as the hub does.", "Check the address; is this client as new as the hub?"
        ) from None


def _refusal(response: httpx.Response, body: bytes) -> HubClientError:
    if response.is_redirect:
        return UnexpectedAnswer(
            "The hub's address leads elsewhere.", "Use the address that it leads to, with https://."
        )
    kind, mend = _KINDS.get(response.status_code, (Refused, "Check the address, and that this client is new enough."))
    try:
        told = msgspec.json.decode(body, type=_ProblemDetails)
    except _UNREADABLE:
        told = _ProblemDetails()  # a proxy's page, for example
    if _says_what_to_do(told.detail):
        mend = ""
    detail = told.detail or f"The hub refused the request with {response.reason_phrase or 'an error'}."
    after = _seconds(response.headers.get("Retry-After"))
    return kind(response.status_code, _sentence(detail), mend, told.errors, after)


def _says_what_to_do(detail: str) -> bool:
    """The hub says what is wrong in one sentence and the mend in the next, which is better than ours for all of a kind:
    nobody need send less in a minute who has used up a day's quota. The framework's own words have no mend."""
    return ". " in detail and not detail.startswith(_THROTTLED)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _seconds(header: str | None) -> float | None:
    """Retry-After is a number of seconds or a date (RFC 9110, section 10.2.3)."""
    if not header:
        return None
    if header.isascii() and header.strip().isdigit():
        return float(header)
    try:
        return max((parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds(), 0.0)
    except NO_DATE:
        return None


def no_answer(error: httpx.TransportError) -> NoAnswer:
    """httpx's error in our words. It is not kept as the cause: it holds the request."""
    reason = str(error)
    if _is_about_certificate(error):
        return NoAnswer(
            "The hub's certificate is not accepted.",
            "Check address and clock; for a certificate of your own set SSL_CERT_FILE.",
            lasting=True,
        )
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ConnectError):
        return NoAnswer(f"The hub can't be reached ({reason or 'no connection'}).", "Check address and network.")
    if isinstance(error, httpx.TimeoutException):
        return NoAnswer("The hub did not answer in time.", "Try again, or allow it more time.", maybe_done=True)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.ProxyError):
        return NoAnswer("The proxy could not be used.", "Check HTTPS_PROXY.", lasting=True)
    return NoAnswer("The connection to the hub broke off.", "Try again.", maybe_done=True)


def _is_about_certificate(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
