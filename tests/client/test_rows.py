"""Rows of files become signals; a row that is wrong is named and the others are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub_client import BadSetting, Indicator
from hub_client.resuming import Sent, state_file
from hub_client.rows import Row, rows_of_file

MD5 = "5d41402abc4b2a76b9719d911017c592"
DEFAULTS = {"sharing_groups": ["watch"], "harm": "people_smuggling", "severity": "high", "kind": None}


def read(folder: Path, name: str, text: str, defaults: dict[str, Any] = DEFAULTS) -> list[Row]:
    (folder / name).write_text(text, encoding="utf-8")
    return list(rows_of_file(folder / name, defaults))


def test_columns_are_named_by_what_they_hold(tmp_path: Path) -> None:
    (row,) = read(
        tmp_path,
        "a.csv",
        "external_id,kind,harm,confidence,sharing_groups,platform,username,email,observed_at\n"
        "ad-1,account,human_trafficking,80,one; two,chirper,@Ana,a@example.org,2026-01-02T03:04:05Z\n",
    )

    signal = row.signal
    assert signal is not None, row.problem
    assert (signal.external_id, signal.kind, signal.harm, signal.severity) == (
        "ad-1",
        "account",
        "human_trafficking",
        "high",
    )
    assert (signal.confidence, signal.sharing_groups) == (80, ("one", "two"))
    assert signal.account is not None
    assert signal.account.platform == "chirper"
    assert signal.observed_at is not None
    assert {(item.type, item.platform) for item in signal.indicators} == {("email", ""), ("username", "chirper")}


def test_bad_rows_are_named_and_the_others_read(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        "a.csv",
        f"md5,severity,email,external_id\n{MD5},low,,\nabc,,,\n,,,\n{MD5},,,,,\n,,someone@example.org,\n{MD5},high,,x\n",
    )

    assert [row.signal is not None for row in rows] == [True, False, False, False, False, True]
    assert [row.place for row in rows] == [f"line {number}" for number in range(2, 8)]
    told = [str(row.problem) for row in rows if row.problem]
    assert "wrong number of digits" in told[0]
    assert "no hash" in told[1]
    assert "too many columns" in told[2]
    assert "needs an external_id" in told[3]
    assert "someone" not in "".join(told)


def test_an_unknown_column_and_another_kind_of_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"harmm\. Did you mean harm\?"):
        read(tmp_path, "a.csv", f"md5,harmm\n{MD5},x\n")
    with pytest.raises(BadSetting, match=r"known: colour\. Known: external_id, "):
        read(tmp_path, "a.csv", f"md5,colour\n{MD5},x\n")
    (row,) = read(tmp_path, "a.ndjson", f'{{"md5": "{MD5}", "Severty": "low"}}\n')
    assert str(row.problem) == "There is no field Severty. Did you mean severity?"
    with pytest.raises(BadSetting, match="NDJSON"):
        read(tmp_path, "a.xlsx", "")
    (tmp_path / "latin.csv").write_bytes("md5,summary\n,\xe9\n".encode("latin-1"))
    with pytest.raises(BadSetting, match="UTF-8"):
        list(rows_of_file(tmp_path / "latin.csv", DEFAULTS))


def test_lines_of_json_are_signals_as_the_api_takes_them(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        "a.ndjson",
        f'{{"indicators": [{{"type": "md5", "value": "{MD5}"}}], "severity": "low", "external_id": "n-1"}}\n'
        '\n[1]\n{"indicators": 5}\nnot json\n{"indicators": [{"type": "md5", "valeu": "x"}]}\n',
    )

    assert [row.place for row in rows] == ["line 1", "line 3", "line 4", "line 5", "line 6"]
    assert rows[0].signal is not None
    assert rows[0].signal.indicators == (Indicator("md5", MD5),)
    assert rows[0].signal.severity == "low"
    assert all(row.problem for row in rows[1:])


def test_what_has_no_reference_gets_one_that_follows_from_its_content(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "a.csv", f"md5\n{MD5}\n")
    (same,) = read(tmp_path, "b.csv", f"summary,md5\n,{MD5.upper()}\n")
    (another,) = read(tmp_path, "c.csv", f"summary,md5\nseen,{MD5}\n")

    assert one.signal and same.signal and another.signal
    assert one.signal.external_id == same.signal.external_id
    assert one.signal.external_id != another.signal.external_id


def test_a_url_is_a_hash_before_it_leaves_and_in_the_reference(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "a.csv", "url\nhttps://example.com/x?utm_source=y\n")

    assert row.signal is not None
    assert len(str(row.signal.indicators[0].value)) == 64


def test_a_flat_picture_keeps_only_the_hashes_whose_quality_is_known(tmp_path: Path) -> None:
    (row,) = read(
        tmp_path, "a.csv", f"file,pdq,pdq_quality,phash,dhash,md5\na.png,{'f8' * 32},3,{'0' * 16},{'0' * 16},{MD5}\n"
    )

    assert row.signal is not None
    assert [(item.type, item.quality) for item in row.signal.indicators] == [("pdq", 3), ("md5", None)]


def test_what_was_sent_is_known_after_a_new_start_and_closed_to_others(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "state.sqlite"
    with Sent(file) as sent:
        sent.add([("d1", "id-1")])
        with pytest.raises(BadSetting, match="already"):
            Sent(file)
    with Sent(file) as sent:
        assert "d1" in sent
        assert "d2" not in sent
    assert file.stat().st_mode & 0o077 == 0


def test_a_state_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("something else, longer than a header of a database " * 20)
    with pytest.raises(BadSetting, match="no state"):
        Sent(tmp_path / "state")


def test_each_source_and_hub_has_a_state_of_its_own(tmp_path: Path) -> None:
    files = {state_file(url, tmp_path / name) for url in ("https://a", "https://b") for name in ("x.csv", "y.csv")}
    assert len(files) == 4
