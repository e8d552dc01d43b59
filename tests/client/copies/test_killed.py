"""A process that keeps a copy is killed before each single statement to its file: no page is lost, none is half."""

from __future__ import annotations

import os
import signal as signals
from contextlib import closing
from pathlib import Path

import pytest

from hub_client import BadCopy, LocalCopy
from hub_client.answers import FeedPage
from hub_client.copies import CopyWriter
from hub_client.copies.file import opened_to_read
from tests.client.copies.pages import OWNER, page, signal, uuid
from tests.feeds.copier import ready_to_fork

# First reading in two pages; changes; then the hub knows the cursor no more, and all is read anew in two pages.
PAGES: list[FeedPage | None] = [
    page("1", [signal(1), signal(2)], more=True),
    page("2", [signal(3)], more=False),
    page("3", [signal(1, summary="changed")], [2], more=False),
    None,
    page("5", [signal(4)], more=True),
    page("6", [signal(5), signal(3, summary="changed")], more=False),
]
# What is shown when the cursor is this one; by how far the file got.
SHOWN = {
    "": None,
    "1": None,
    "2": {1: "", 2: "", 3: ""},
    "3": {1: "changed", 3: ""},
    "anew": {1: "changed", 3: ""},
    "5": {1: "changed", 3: ""},
    "6": {4: "", 5: "", 3: "changed"},
}


def keep(path: Path, deadly: int) -> None:
    """Goes on from the cursor to the end, but dies before its statement of that number."""
    count = 0

    def die(_statement: str) -> None:
        nonlocal count
        count += 1
        if count == deadly:
            os.kill(os.getpid(), signals.SIGKILL)

    with CopyWriter(path) as writer:
        writer._database.set_trace_callback(die)
        writer.belong(OWNER)
        writer.sweep()
        with closing(opened_to_read(path)) as database:
            begun_anew = database.execute("SELECT build FROM copy").fetchone()[0] > 1
        at = 4 if begun_anew and not writer.cursor else int(writer.cursor or 0)
        for following in PAGES[at:]:
            if following is None:
                writer.begin_anew()
                writer.sweep()
            else:
                writer.apply(following)
        writer.sweep()


def standing(path: Path) -> tuple[str, dict[int, str] | None]:
    """The cursor, and what is shown: None while nothing is."""
    try:
        with LocalCopy(path) as copy:
            cursor, build = copy._database.execute("SELECT cursor, build FROM copy").fetchone()
            place = cursor or ("anew" if build > 1 else "")
            try:
                shown = {int(one.id.replace("-", ""), 16): one.summary for one in copy.signals()}
            except BadCopy:
                return place, None
            return place, shown
    except BadCopy:  # nothing was written yet
        return "", None


@pytest.mark.parametrize("again", [False, True], ids=["each time a new file", "one file"])
def test_a_kill_before_any_statement_leaves_whole_pages(again: bool, tmp_path: Path) -> None:
    context = ready_to_fork()
    reached = set()
    deadly, ended = 0, False
    while not ended:
        deadly += 1
        path = tmp_path / ("copy.sqlite" if again else f"{deadly}.sqlite")
        process = context.Process(target=keep, args=(path, deadly))
        process.start()
        process.join(60)
        ended = process.exitcode == 0
        assert ended or process.exitcode == -signals.SIGKILL
        cursor, shown = standing(path)
        assert shown == SHOWN[cursor]
        reached.add(cursor)
        if not again:
            keep(path, 0)
            assert standing(path) == ("6", SHOWN["6"])
    assert reached >= ({"", "1", "2", "3", "anew", "5", "6"} if not again else {"6"})
    with LocalCopy(path) as copy:
        assert copy._database.execute("SELECT count(*) FROM signal").fetchone() == (3,)
        assert copy._database.execute("SELECT count(*) FROM indicator").fetchone() == (3,)
        assert copy.signal(uuid(1)) is None
