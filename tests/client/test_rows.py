"""Rows of files become signals; a row that is wrong is named and the others are read."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rest_framework.serializers import DateTimeField

from hub_client import BadSetting, Indicator, words
from hub_client.resuming import Sent, state_file
from hub_client.rows import Row, rows_of_file
from sharing.signals.models import AccountDetail, Signal
from sharing.visibility.models import Harm
from sharing.visibility.tlp import TLP

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
    assert signal is not None, row.problems
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
    told = [str(problem) for row in rows for problem in row.problems]
    assert "wrong number of digits" in told[0]
    assert "no hash" in told[1]
    assert "too many columns" in told[2]
    assert "needs an external_id" in told[3]
    assert "someone" not in "".join(told)


def test_an_unknown_column_and_another_kind_of_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"harmm\. Did you mean harm\?"):
        read(tmp_path, "a.csv", f"md5,harmm\n{MD5},x\n")
    with pytest.raises(BadSetting, match=r"known, number 2\. .*known: external_id, ") as caught:
        read(tmp_path, "a.csv", f"{MD5},ana@example.org\n".replace(MD5, "md5"))
    assert "ana" not in str(caught.value)
    (row,) = read(tmp_path, "a.ndjson", f'{{"md5": "{MD5}", "Severty": "low"}}\n')
    assert str(row.problems[0]) == "There is no field Severty. Did you mean severity?"
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
    assert all(row.problems for row in rows[1:])


def test_a_mark_of_byte_order_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "a.ndjson", f'\ufeff{{"md5": "{MD5}"}}\n')
    assert row.signal is not None, row.problems


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


def told(row: Row) -> list[tuple[str, str]]:
    return [(problem.path, f"{problem.message} {problem.mend}".strip()) for problem in row.problems]


NUMBER = "A whole number from 0 to 100 is expected."
MOMENT = "A date or a moment is expected, such as 2026-11-26 or 2026-11-26T10:00:00Z."


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"confidence": "much"}, "/confidence", NUMBER),
        ({"confidence": 101}, "/confidence", NUMBER),
        ({"summary": [1]}, "/summary", "A text is expected."),
        ({"expires_at": "soon"}, "/expires_at", MOMENT),
        ({"expires_at": "1790000000"}, "/expires_at", MOMENT),
        ({"sharing_groups": "watch"}, "/sharing_groups", "A list of short names is expected."),
        ({"sharing_groups": [[]]}, "/sharing_groups/0", "A text is expected."),
        ({"summery": "x"}, "", "There is no field summery. Did you mean summary?"),
        ({"indicators": 5}, "/indicators", "A list of objects with type and value is expected."),
        ({"indicators": [5]}, "/indicators/0", "An object with type and value is expected."),
        ({"indicators": [{"typ": "md5"}]}, "/indicators/0", "There is no field typ. Did you mean type?"),
        ({"indicators": [{"value": MD5}]}, "/indicators/0/type", "This is missing. Add this field."),
        ({"indicators": [{"type": "md5", "value": 5}]}, "/indicators/0/value", "A text is expected, or for"),
        ({"indicators": [{"type": "pdq", "value": "f8" * 32, "quality": -1}]}, "/indicators/0/quality", NUMBER),
        ({"account": {"platform": "x", "enforcement": "shot"}, "kind": "account"}, "/account/enforcement", "This"),
        ({"harm": "bad_things"}, "/harm", "This is not one of the allowed values. Use one of: human_trafficking, "),
        ({"severity": "huge"}, "/severity", "This is not one of the allowed values. Use one of: low, medium, high, c"),
        ({"kind": "thing"}, "/kind", "This is not one of the allowed values. Use one of: content, account."),
        ({"tlp": "amber"}, "/tlp", "This is not one of the allowed values. Use one of: CLEAR, GREEN, AMBER, AMBER+STR"),
        ({"someone@example.org": "x"}, "", "There is a field that is not known. Known: indicators, harm, "),
    ],
)
def test_what_is_wrong_is_told_by_the_name_of_its_field(
    tmp_path: Path, fields: dict[str, Any], path: str, words: str
) -> None:
    line = json.dumps({"indicators": [{"type": "md5", "value": MD5}], "external_id": "n", **fields})
    (row,) = read(tmp_path, "a.ndjson", line)
    ((where, what),) = told(row)
    assert (where, what[: len(words)]) == (path, words)


def test_in_a_row_with_columns_it_is_the_column(tmp_path: Path) -> None:
    pdq = "f8" * 32
    lines = ["md5,sha1,confidence,pdq,pdq_quality", "abc,,,,", f"{MD5},abc,,,", f",,x,{pdq},"]
    lines += [f",,,{pdq},{quality}" for quality in ("x", "\xb2", "9" * 5000)]
    rows = read(tmp_path, "a.csv", "\n".join(lines))
    assert [problem.path for row in rows for problem in row.problems] == [
        "/md5", "/sha1", "/confidence", *["/pdq_quality"] * 3,
    ]  # fmt: skip


def test_a_line_that_is_nested_too_deep_is_a_bad_row(tmp_path: Path) -> None:
    deep = [f'{{"md5": "{MD5}", "x": {"[" * depth}{"]" * depth}}}' for depth in (100_000, 900, 300)]
    deep.append(f'{{"indicators": [{{"type": "vpdq", "value": {"[" * 900}{"]" * 900}}}]}}')
    rows = read(tmp_path, "a.ndjson", "\n".join([*deep, f'{{"md5": "{MD5}"}}']))
    assert [row.signal is None for row in rows] == [True, True, True, True, False]
    assert told(rows[0])[0][1].startswith("The row is nested too deep.")
    (row,) = read(tmp_path, "a.csv", f"vpdq\n{'[' * 100_000}\n")
    assert row.problems[0].path == "/vpdq"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-01-01", "2027-01-01T00:00:00+00:00"),
        ("2027-01-01T10:30:00", "2027-01-01T10:30:00+00:00"),
        ("2027-01-01 10:30", "2027-01-01T10:30:00+00:00"),
        ("2027-01-01T10:30:00+02:00", "2027-01-01T08:30:00+00:00"),
        ("20270101", "2027-01-01T00:00:00+00:00"),
    ],
)
def test_moments_are_read_as_the_hub_reads_them(tmp_path: Path, text: str, moment: str) -> None:
    as_the_hub = DateTimeField().run_validation(text)
    account = {"kind": "account", "account": {"platform": "x", "enforced_at": text}}
    line = json.dumps({"indicators": [{"type": "md5", "value": MD5}], "expires_at": text, **account})
    (of_json,) = read(tmp_path, "a.ndjson", line)
    (of_csv,) = read(tmp_path, "a.csv", f"md5,expires_at\n{MD5},{text}\n")

    assert of_json.signal and of_json.signal.account and of_csv.signal
    found = (of_json.signal.expires_at, of_json.signal.account.enforced_at, of_csv.signal.expires_at)
    assert set(found) == {as_the_hub} == {datetime.fromisoformat(moment)}


def test_the_allowed_words_are_the_hubs() -> None:
    theirs = (Signal.Kind, Harm, Signal.Severity, TLP, Signal.SubjectRole, AccountDetail.Enforcement)
    ours = (words.KINDS, words.HARMS, words.SEVERITIES, words.TLP, words.SUBJECT_ROLES, words.ENFORCEMENTS)
    assert ours == tuple(tuple(choices.values) for choices in theirs)
