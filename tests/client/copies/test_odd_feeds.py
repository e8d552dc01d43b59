"""A feed that no hub should send leaves the copy as it was; a copy with odd things in it is told to be damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hub_client import BadCopy, HubClient, Indicator, LocalCopy, UnexpectedAnswer
from hub_client.copies import CopyWriter
from tests.client.copies.pages import OWNER, md5, page, signal
from tests.client.failing import ME, Failing, said

KINDS = [{"name": "pdq", "title": "PDQ", "keyed": False, "bits": 256, "threshold": 31}]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "copy.sqlite"
    with CopyWriter(path) as writer:
        writer.belong(OWNER)
        writer.apply(page("1", [signal(1), signal(2)], more=False))
    return path


@pytest.mark.parametrize(
    "odd",
    [
        signal(3, ("pdq", "f8" * 32, 2**63)),
        signal(3, ("pdq", "f8" * 5, 90)),
        signal(3, ("md5", "no digits", None)),
        signal(3, expires_at="0001-01-01T00:00:00"),
        {"id": "3", "expires_at": "2100-01-01T00:00:00Z"},
    ],
)
def test_an_entry_that_would_spoil_look_ups_is_refused_and_nothing_of_its_page_stored(copy: Path, odd: Any) -> None:
    with CopyWriter(copy) as writer, pytest.raises(UnexpectedAnswer, match="can't read"):
        writer.apply(page("2", [signal(4), odd], more=False))
    with LocalCopy(copy) as read:
        assert read.state().signals == 2
        assert read.look_up([Indicator("md5", md5("1"))])[0].status == "found"


@pytest.mark.parametrize("cursors", [("1", "1"), ("1", ""), ("",)])
def test_a_feed_that_does_not_go_on_is_not_read_for_ever(
    server: Failing, client: HubClient, tmp_path: Path, cursors: tuple[str, ...]
) -> None:
    server.plan = [said(ME), said(KINDS), *(said({"entries": [], "cursor": one, "more": True}) for one in cursors)]
    with pytest.raises(UnexpectedAnswer, match="does not go on"):
        client.sync(tmp_path / "new.sqlite")
    assert len(server.asked) == 2 + len(cursors)


@pytest.mark.parametrize(
    "spoil",
    [
        "DELETE FROM copy",
        "UPDATE copy SET thresholds = '['",
        """UPDATE copy SET thresholds = '{"pdq": "near"}'""",
        "UPDATE signal SET content = x'7b'",
        "INSERT INTO indicator VALUES (1, 'pdq', x'0102030405', 1, 90)",
    ],
)
def test_a_copy_with_odd_things_in_it_is_told_to_be_damaged(copy: Path, spoil: str) -> None:
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute(spoil)
    with pytest.raises(BadCopy, match="damaged"), LocalCopy(copy) as read:
        read.state()
        read.look_up([Indicator("md5", md5("1")), Indicator("pdq", "f8" * 32, quality=90)])


def test_a_copy_with_nothing_in_its_table_is_not_written_either(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("DELETE FROM copy")
    with pytest.raises(BadCopy, match="damaged"), CopyWriter(copy) as writer:
        writer.check(OWNER)
