"""One HTTP request to an address that a member chose (floor 5).

httpcore is the engine inside httpx, used here without it because its network backend is public: this one resolves the
name, checks every address, and connects to one of those that it has checked. So a name can't lead elsewhere between the
check and the connection. TLS is verified against the name. httpcore by itself follows no redirect, takes no proxy from
the environment, keeps no cookie and unpacks nothing.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final

import httpcore

from sharing.notifications.addresses import may_call
from sharing.notifications.models import WebhookDelivery

Error = WebhookDelivery.Error

# Seconds for all of it: name, connection, encryption, request and answer, however slowly the answer drips.
TOTAL_SECONDS: Final = 15.0
STEP_SECONDS: Final = 5.0  # for one connection, one read, one write, and the name
# A name may have many addresses; so many are tried.
_MOST_ADDRESSES: Final = 3
# Bytes of an answer that are read, so that the receiver can finish, and thrown away.
MOST_READ: Final = 64 * 1024
_OK: Final = range(200, 300)
_REDIRECTS: Final = range(300, 400)
_GONE: Final = 410
_MOST_DIGITS: Final = 9


class NameUnknown(Exception):
    """The host name leads to no address."""


class AddressRefused(Exception):
    """The host name leads to an address that is not called. See addresses.may_call."""


class NotEncrypted(Exception):
    """No TLS, or a certificate that is not of this name."""


_ERRORS: Final[dict[type[Exception], str]] = {
    NameUnknown: Error.NAME,
    AddressRefused: Error.ADDRESS,
    NotEncrypted: Error.TLS,
    httpcore.TimeoutException: Error.TIMEOUT,
    httpcore.NetworkError: Error.CONNECTION,
    httpcore.ProtocolError: Error.PROTOCOL,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it. `retry_after` is the receiver's wish, in seconds from now."""

    status: int | None = None
    error: str = ""
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        return self.error == Error.NONE


def post(url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
    """Send, and say what came of it. Never raises for what the other side does."""
    clock = _Clock(time.monotonic() + TOTAL_SECONDS)
    backend = _CheckedBackend(clock, encrypted=url.startswith("https:"))
    sent = {**headers, "Content-Type": "application/json", "Connection": "close"}
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_trusted(), network_backend=backend) as pool,
            pool.stream("POST", url, headers=_encoded(sent), content=body) as response,
        ):
            answer = _answer(response.status, dict(response.headers))
            _read_some(response.iter_stream())
            return answer
    except tuple(_ERRORS) as error:
        return Answer(error=next(said for kind, said in _ERRORS.items() if isinstance(error, kind)))


def _answer(status: int, headers: Mapping[bytes, bytes]) -> Answer:
    if status in _OK:
        return Answer(status)
    if status in _REDIRECTS:
        return Answer(status, Error.REDIRECT)
    wish = next((value for name, value in headers.items() if name.lower() == b"retry-after"), b"")
    return Answer(status, Error.GONE if status == _GONE else Error.STATUS, _seconds(wish.decode("latin-1").strip()))


def _seconds(text: str) -> float | None:
    """Retry-After (RFC 9110, section 10.2.3): seconds or a date; None for anything else."""
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year, or a zone, of more digits than a number of the machine has
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds()


def _read_some(parts: Iterable[bytes]) -> None:
    """The status was the answer: nothing that happens to the rest changes it."""
    read = 0
    try:
        for part in parts:
            read += len(part)
            if read >= MOST_READ:
                return
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        return


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


@cache
def _trusted() -> ssl.SSLContext:
    """The system's certificate authorities (OpenSSL reads SSL_CERT_FILE)."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class _Clock:
    end: float

    def left(self, late: type[httpcore.TimeoutException]) -> float:
        """Seconds for the next step; raises `late` when the time is up."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise late
        return min(left, STEP_SECONDS)


class _CheckedBackend(httpcore.NetworkBackend):
    def __init__(self, clock: _Clock, *, encrypted: bool) -> None:
        self._clock = clock
        self._encrypted = encrypted

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectError()
        for address in self._checked(host, port)[:_MOST_ADDRESSES]:
            try:
                left = self._clock.left(httpcore.ConnectTimeout)
                return _TimedStream(httpcore.SyncBackend().connect_tcp(address, port, left), self._clock)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    def _checked(self, host: str, port: int) -> list[str]:
        """All addresses of the name. One that may not be called refuses all: no public server stands there too."""
        addresses = _resolved(host, port, self._clock.left(httpcore.ConnectTimeout))
        if not addresses:
            raise NameUnknown
        if not all(may_call(address, port=port, encrypted=self._encrypted) for address in addresses):
            raise AddressRefused
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A connection on which each step has a few seconds and all of them together have TOTAL_SECONDS."""

    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._clock.left(httpcore.ConnectTimeout)
        try:
            return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._clock)
        except httpcore.ConnectError:
            raise NotEncrypted from None

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


# Asking the system for a name can't be given a time: it is asked in a thread, and one that hangs is left behind.
_RESOLVERS: Final = ThreadPoolExecutor(16, thread_name_prefix="webhook-names")


def _resolved(host: str, port: int, seconds: float) -> list[str]:
    """Numeric addresses of the name, each once, in the system's order."""
    asked = _RESOLVERS.submit(socket.getaddrinfo, host.strip("[]"), port, type=socket.SOCK_STREAM)
    try:
        found = asked.result(timeout=seconds)
    except TookTooLong:
        asked.cancel()
        raise httpcore.ConnectTimeout from None
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
