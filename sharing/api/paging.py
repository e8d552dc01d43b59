"""Keyset pages: a cursor names the last row shown, so a page costs the same however deep it lies (floor 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

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
    before: int | None
    size: int

    @classmethod
    def of(cls, query: dict[str, Any]) -> Page:
        cursor = query.get("cursor")
        return cls(before=_opened(cursor) if cursor else None, size=query["limit"])

    def body(self, request: Request, rows: Sequence[Any], ids: Sequence[int]) -> dict[str, Any]:
        """The page's body. The caller asks its selector for one row more than `size` (see `wanted`)."""
        following = None
        if len(rows) > self.size:
            following = replace_query_param(request.build_absolute_uri(), "cursor", seal(ids[self.size - 1]))
        return {"results": list(rows[: self.size]), "next": following}

    @property
    def wanted(self) -> int:
        return self.size + 1


def _opened(cursor: str) -> int:
    number = unseal(cursor)
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
