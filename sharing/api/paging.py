"""Keyset pages: a cursor names the last row shown, so a page costs the same however deep it lies (floor 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from accounts.actor import Actor
from hub.cursors import seal, unseal
from hub.errors import Invalid, Problem
from sharing.api.serializers.strict import StrictSerializer


class PageQuery(StrictSerializer):
    limit = serializers.IntegerField(min_value=1, max_value=200, default=50, help_text="Rows in a page, 1 to 200.")
    cursor = serializers.CharField(
        max_length=100, required=False, help_text="From `next` of the page before; leave out for the first page."
    )


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list called `rows`; its cursors are good for that list and for `reader`, an organisation's id."""

    before: int | None
    size: int
    rows: str
    reader: int | None

    @classmethod
    def of(cls, query: dict[str, Any], *, rows: str, actor: Actor) -> Page:
        cursor, reader = query.get("cursor"), actor.organisation_id
        before = _opened(cursor, rows, reader) if cursor else None
        return cls(before=before, size=query["limit"], rows=rows, reader=reader)

    def body(self, request: Request, rows: Sequence[Any], ids: Sequence[int]) -> dict[str, Any]:
        """The page's body. The caller asks its selector for one row more than `size` (see `wanted`)."""
        following = None
        if len(rows) > self.size:
            cursor = seal(ids[self.size - 1], rows=self.rows, reader=self.reader)
            following = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
        return {"results": list(rows[: self.size]), "next": following}

    @property
    def wanted(self) -> int:
        return self.size + 1


def _opened(cursor: str, rows: str, reader: int | None) -> int:
    number = unseal(cursor, rows=rows, reader=reader)
    if number is None:
        mend = "Follow `next` from the first page."
        raise Invalid([Problem("/cursor", "bad_cursor", "This is no cursor of this list.", mend)])
    return number


def page_schema(name: str, row: type[serializers.BaseSerializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The documented shape of a page of `row`."""
    fields = {
        "results": row(many=True),
        "next": serializers.URLField(allow_null=True, help_text="The next page; null on the last one."),
    }
    return type(name, (serializers.Serializer,), fields)
