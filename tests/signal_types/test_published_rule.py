"""The published page and the code say the same: its tables are run as test vectors."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from sharing.signal_types import ALL, InvalidValue, get
from sharing.signal_types.texts import canonical_text
from sharing.signal_types.urls import TRACKING_PARAMETERS, canonical_url

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "signal-types.md").read_text(encoding="utf-8")


def rows(table: str) -> list[list[str]]:
    """The cells of a table's rows, without the back-ticks around them."""
    body = PAGE.split(f"<!-- vectors: {table} -->\n", 1)[1].split("\n\n", 1)[0].strip().split("\n")[2:]
    return [[cell.strip().strip("`") for cell in line.strip("| ").split(" | ")] for line in body]


@pytest.mark.parametrize(("sent", "canonical", "digest"), rows("url"))
def test_url_vectors(sent: str, canonical: str, digest: str) -> None:
    assert canonical_url(json.loads(sent)) == canonical
    assert hashlib.sha256(canonical.encode()).hexdigest() == digest
    assert get("url").format(get("url").parse(json.loads(sent))) == digest


@pytest.mark.parametrize(("sent", "normal", "digest"), rows("text"))
def test_text_vectors(sent: str, normal: str, digest: str) -> None:
    assert canonical_text(json.loads(sent)) == json.loads(normal)
    assert hashlib.sha256(json.loads(normal).encode()).hexdigest() == digest
    assert get("text").format(get("text").parse(json.loads(sent))) == digest


@pytest.mark.parametrize(("name", "platform", "sent", "canonical"), rows("keyed"))
def test_identifier_vectors(name: str, platform: str, sent: str, canonical: str) -> None:
    assert get(name).parse(json.loads(sent), platform=platform).decode() == canonical


@pytest.mark.parametrize(("name", "sent", "code"), rows("refused"))
def test_refusal_vectors(name: str, sent: str, code: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        get(name).parse(json.loads(sent))
    assert caught.value.code == code


def test_the_page_lists_every_type_with_its_size_and_every_tracking_parameter() -> None:
    for signal_type in ALL:
        stored = "keyed token" if signal_type.keyed else f"{signal_type.size} bytes"
        assert re.search(rf"^\| `{signal_type.name}` \| {stored}", PAGE, re.MULTILINE)
    listed = PAGE.split("<!-- tracking parameters -->", 1)[1].split("<!-- end -->", 1)[0]
    assert set(re.findall(r"`([^`]+)`", listed)) == TRACKING_PARAMETERS
