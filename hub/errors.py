"""The domain's errors (ground). They know nothing of HTTP: sharing/api/problems.py and the portal give them a form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input.

    `path` is a JSON pointer (RFC 6901) into what was sent, "" for the whole of it. `message` says what is wrong and
    `mend` how to put it right; neither repeats the value, because the value may be a person's identifier.
    """

    path: str
    code: str
    message: str
    mend: str = ""

    def below(self, prefix: str) -> Problem:
        """The same problem, seen from one level further out (prefix such as "/signals/3")."""
        return Problem(f"{prefix}{self.path}", self.code, self.message, self.mend)


class HubError(Exception):
    """Base of every error that a service or selector raises on purpose."""

    default_message = "The hub could not do this."

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.default_message)
        self.message = message or self.default_message


class NotPermitted(HubError):
    """The actor may know that this exists, but not do this to it."""

    default_message = "You are not allowed to do this."


class NotFound(HubError):
    """Absent, or hidden from this actor: the two must look the same."""

    default_message = "There is nothing here that you can see."


class Conflict(HubError):
    """The thing has moved on since; reading it again will show how."""

    default_message = "This can't be done in the present state."


class UsedUp(HubError):
    """A quota is used up. `retry_after`: seconds until there is more."""

    default_message = "The quota is used up."

    def __init__(self, message: str = "", *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Gone(HubError):
    """What is asked for by a reference of an earlier time is kept no more; the message says how to begin anew."""

    default_message = "This is kept no more."


class Invalid(HubError):
    """Input that can't be accepted, with each problem named."""

    default_message = "The input has problems."

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__()
        self.problems = problems
