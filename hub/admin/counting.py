"""Paging of long lists without counting all of their rows (ground)."""

from __future__ import annotations

from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

COUNT_CAP: Final = 10_000


class CappedPaginator(Paginator[Any]):
    """Counts to COUNT_CAP and stops: rows beyond are reached by a filter or a search, not by turning 200 pages."""

    @cached_property
    def _counted(self) -> int:
        assert isinstance(self.object_list, QuerySet)
        return self.object_list.order_by()[: COUNT_CAP + 1].count()

    @property
    def count(self) -> int:
        return min(self._counted, COUNT_CAP)

    @property
    def is_capped(self) -> bool:
        return self._counted > COUNT_CAP
