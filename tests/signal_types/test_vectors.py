"""The published file of test vectors, which the client and the browser run as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sharing import signal_types
from sharing.signal_types import ALL, InvalidValue, get
from tests.signal_types.test_published_rule import rows

VECTORS: dict[str, Any] = json.loads(Path(signal_types.__file__).with_name("vectors.json").read_text(encoding="utf-8"))


def parsed(row: dict[str, str]) -> bytes:
    return get(row["type"]).parse(row["value"], platform=row.get("platform", ""))


@pytest.mark.parametrize("row", VECTORS["canonical"], ids=ascii)
def test_canonical_forms_of_identifiers(row: dict[str, str]) -> None:
    assert get(row["type"]).keyed
    assert parsed(row).decode() == row["canonical"]


@pytest.mark.parametrize("row", VECTORS["stored"], ids=ascii)
def test_stored_bytes_of_everything_else(row: dict[str, str]) -> None:
    assert not get(row["type"]).keyed
    assert parsed(row).hex() == row["stored"]


@pytest.mark.parametrize("row", VECTORS["refused"], ids=ascii)
def test_refusals(row: dict[str, str]) -> None:
    with pytest.raises(InvalidValue) as refused:
        parsed(row)
    assert refused.value.code == row["code"]


def test_every_type_is_in_the_file_taken_and_refused_where_that_says_something() -> None:
    assert {row["type"] for part in ("canonical", "stored") for row in VECTORS[part]} == {one.name for one in ALL}
    assert {row["type"] for row in VECTORS["refused"]} >= {one.name for one in ALL if one.keyed}


def test_the_file_holds_the_tables_of_the_published_page() -> None:
    canonical = {(row["type"], row["value"], row["canonical"]) for row in VECTORS["canonical"]}
    assert {(name, json.loads(sent), form) for name, _platform, sent, form in rows("keyed")} <= canonical
    refused = {(row["type"], row["value"], row["code"]) for row in VECTORS["refused"]}
    assert {(name, json.loads(sent), code) for name, sent, code in rows("refused")} <= refused
