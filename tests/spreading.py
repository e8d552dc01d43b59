"""How the tests are handed out to the processes of one run (pytest -n).

A file stays together, for what its tests share is made once in each process. So do all that start whole hubs: each is
half a dozen processes, and two hubs at once would take the cores from each other's clocks. What takes long is handed
out first; at the end there are small files to fill the last minute evenly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadFileScheduling

_WHOLE_HUBS = ("tests/whole/", "tests/client/hub/", "tests/launcher/test_supervisor.py")
_BROWSER = ("tests/portal/test_browser.py", "tests/admin/test_browser.py")
_LONG = (*_WHOLE_HUBS, "tests/api/test_schema.py", *_BROWSER, "tests/matching/")


class BySize(LoadFileScheduling):  # type: ignore[misc]
    """Hands out in the order of the collection, which `longest_first` has made."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return part_of(nodeid)


def part_of(nodeid: str) -> str:
    """The tests of one part run in one process."""
    return _WHOLE_HUBS[0] if nodeid.startswith(_WHOLE_HUBS) else nodeid.partition("::")[0]


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    sizes = Counter(part_of(item.nodeid) for item in items)

    def place(item: pytest.Item) -> tuple[int, int]:
        part = part_of(item.nodeid)
        known = next((number for number, start in enumerate(_LONG) if part.startswith(start)), len(_LONG))
        return known, -sizes[part]

    return sorted(items, key=place)
