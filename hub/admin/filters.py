"""Filters that stay short however many choices there are (ground)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class SelectFilter(admin.SimpleListFilter, ABC):
    """One select with a button instead of a link for each choice; works without JavaScript."""

    template = "admin/hub/select_filter.html"

    @abstractmethod
    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """The rows that have this value."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        # Only what is offered: anything else in the address finds nothing.
        offered = any(value == str(known) for known, _label in self.lookup_choices)
        return self.narrowed(queryset, value) if offered else queryset.none()

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        yield from select_choices(changelist, [str(self.parameter_name)], self.lookup_choices, self.value() or "")


class RelatedSelectFilter(admin.RelatedFieldListFilter):
    """The same for a foreign key."""

    template = "admin/hub/select_filter.html"

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        chosen = (self.lookup_val or [""])[-1]
        yield from select_choices(changelist, self.expected_parameters(), self.lookup_choices, chosen)


def select_choices(
    changelist: ChangeList, names: list[str | None], pairs: Any, chosen: str
) -> Iterator[dict[str, Any]]:
    """What select_filter.html draws: first "All", with what the form must send along, then each choice."""
    kept = {name: values for name, values in changelist.filter_params.items() if name not in names}
    yield {
        "name": names[0],
        "display": _("All"),
        "value": "",
        "selected": not chosen,
        "kept": [(name, value) for name, values in kept.items() for value in values],
    }
    for value, label in pairs:
        yield {"display": label, "value": value, "selected": str(value) == chosen}
