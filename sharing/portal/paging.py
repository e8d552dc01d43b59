"""Pages of the portal's lists: keyset, newest first, "Older" goes on (floor 7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest

from accounts.middleware import actor_of_request
from hub.cursors import seal, unseal
from hub.errors import NotFound

SIZE = 25

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """`older` is the sealed id to go on from, None on the last page."""

    rows: Sequence[Row]
    older: str | None
    is_first: bool


def page_of(
    request: HttpRequest, name: str, rows: Callable[[int | None, int], Sequence[Row]], id_of: Callable[[Row], int]
) -> Page[Row]:
    """The page that the address asks for, of the list with this name.

    `rows(before, size)` gives its rows, and is asked for one more than is shown.
    """
    reader = actor_of_request(request).organisation_id
    before = _before(request, name, reader)
    found = rows(before, SIZE + 1)
    shown = found[:SIZE]
    older = seal(id_of(shown[-1]), rows=name, reader=reader) if len(found) > SIZE else None
    return Page(shown, older, before is None)


def _before(request: HttpRequest, name: str, reader: int | None) -> int | None:
    text = request.GET.get("before", "")
    if not text:
        return None
    before = unseal(text, rows=name, reader=reader)
    if before is None:
        raise NotFound
    return before


def capped(count: int, cap: int) -> str:
    """How many, for a person: "1,234", or "1,000+" when counting stopped there."""
    return f"{intcomma(cap)}+" if count > cap else str(intcomma(count))
