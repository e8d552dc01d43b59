"""What can go wrong. Every message says what to do about it, and none holds a key or a value that was sent."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec


class HubClientError(Exception):
    """Base of all errors that this package raises by itself. `mend` says what to do about it."""

    def __init__(self, message: str, mend: str = "") -> None:
        super().__init__(message, mend)
        self.message = message
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.message} {self.mend}".strip()


class UnreadableFile(HubClientError):
    """A file that can't be hashed: named by `path`."""

    def __init__(self, path: str | os.PathLike[str], message: str, mend: str = "") -> None:
        super().__init__(message, mend)
        self.path = os.fspath(path)

    def __str__(self) -> str:
        return f"{self.path}: {super().__str__()}"

    def __reduce__(self) -> tuple[type[UnreadableFile], tuple[str, str, str]]:  # crosses between processes
        return type(self), (self.path, self.message, self.mend)


class BadSetting(HubClientError):
    """An address, a key or a configuration file that can't be used."""


class BadCopy(BadSetting):
    """A copy that can't be used: of something else, damaged, being written, or never read to its end."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong with what was sent: `path` is a JSON pointer to it, empty for all of it; `mend` says what
    to do about it."""

    path: str
    code: str
    message: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.path + ': ' if self.path else ''}{self.message} {self.mend}".strip()


class NoAnswer(HubClientError):
    """The hub could not be reached, or did not answer in time. `maybe_done`: the request may have arrived."""

    def __init__(self, message: str, mend: str = "", *, maybe_done: bool = False, lasting: bool = False) -> None:
        super().__init__(message, mend)
        self.maybe_done = maybe_done
        self.lasting = lasting  # trying again leads to the same


class Refused(HubClientError):
    """The hub answered with an error (RFC 9457): `status`, and the `problems` that it named, each with its path."""

    def __init__(
        self, status: int, message: str, mend: str, problems: Sequence[Problem] = (), retry_after: float | None = None
    ) -> None:
        super().__init__(message, mend)
        self.status = status
        self.problems = tuple(problems)
        self.retry_after = retry_after  # seconds

    def __str__(self) -> str:
        return "\n".join((f"{super().__str__()} (HTTP {self.status})", *(f"  {problem}" for problem in self.problems)))


class Invalid(Refused):
    """400, 413 and the like: mend what is named, and send it again."""


class KeyRefused(Refused):
    """401: unknown, expired, revoked, suspended, or from a network that is not allowed. The hub does not say which."""


class NotPermitted(Refused):
    """403: the key lacks the scope, or the signal is another organisation's."""


class NotFound(Refused):
    """404: absent, or hidden from you."""


class Conflict(Refused):
    """409: not possible in the present state."""


class Gone(Refused):
    """410: of a time, or a database, of which the hub knows nothing any more."""


class TooManyRequests(Refused):
    """429, still after waiting."""


class HubUnavailable(Refused):
    """502, 503, 504: nothing was stored by a 503; after a 502 or 504 that is not known."""


class HubFailed(Refused):
    """500: a defect of the hub. Tell its administrators."""


class UnexpectedAnswer(HubClientError):
    """What answered does not speak as the hub does."""


class ProofFailed(HubClientError):
    """The hub did not evaluate identifiers under the key that it published, or under one that you trust.

    No token was made. Tell the hub's administrators over another way.
    """
