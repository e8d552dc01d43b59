"""The rules of identifiers are the hub's, in the browser too."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from stdnum import iban

from accounts.actor import actor_of_user
from hub import edge
from sharing import signal_types
from sharing.portal.edge import rows_context
from sharing.signal_types.unicode_rules import fold
from tests.portal.conftest import Scene
from tests.portal.edge.listening import KEYED

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

VECTORS: dict[str, Any] = json.loads(Path(signal_types.__file__).with_name("vectors.json").read_text(encoding="utf-8"))


@pytest.fixture
def canonical(page: Page) -> Callable[[list[tuple[str, str, str]]], list[list[str]]]:
    """What the scripts make of identifiers: the canonical form, or the code of the refusal."""

    def found(rows: list[tuple[str, str, str]]) -> list[list[str]]:
        result: list[list[str]] = page.evaluate(
            """async (rows) => {
              const { canonical } = await import("/static/portal/edge/identifiers.js");
              const made = ([type, value, platform]) => canonical(type, value, platform)
                .then((form) => ["taken", form], (error) => ["refused", error.code ?? String(error)]);
              return Promise.all(rows.map(made));
            }""",
            rows,
        )
        return result

    return found


def hub_form(row: tuple[str, str, str]) -> list[str]:
    try:
        return ["taken", signal_types.get(row[0]).parse(row[1], platform=row[2]).decode()]
    except signal_types.InvalidValue as refused:
        return ["refused", refused.code]


def test_the_published_vectors_hold_in_the_browser(canonical: Callable[..., list[list[str]]]) -> None:
    rows = [
        (row["type"], row["value"], row.get("platform", ""))
        for part in ("canonical", "refused")
        for row in VECTORS[part]
        if row["type"] in KEYED
    ]
    due = [
        ["taken", row["canonical"]] if "canonical" in row else ["refused", row["code"]]
        for part in ("canonical", "refused")
        for row in VECTORS[part]
        if row["type"] in KEYED
    ]
    assert len(rows) > 60
    assert canonical(rows) == due


def varied(chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Values that people might type, and what accidents make of them."""
    pieces = [
        "ana", "Lopez", ".", "+", "@", "-", "_", "ß", "ς", "Σ", "İ", "ı", "é", "e\u0301", "ﬁ", "Å", "中", "٣", "०",
        "\u200b", "\u00ad", " ", "\u3000", "\u3002", "example", ".org", ".com", "BÜCHER", "münchen", "xn--bcher-kva",
        "日本", "пример", "-a", "a--b", "1", "0x1", "❤", "·", "l·l", "Ꭰ", "ꭰ", "ᾳ", "ﷺ", "%41", "#", ":80", "\u0660",
        "א", "1a", "Ⅷ",
    ]  # fmt: skip
    known = [(row["type"], row["value"], row.get("platform", "")) for row in VECTORS["canonical"]]
    for _ in range(6_000):
        name, value, platform = chance.choice(known)
        match chance.randrange(4):
            case 0:
                at = chance.randrange(len(value) + 1)
                value = value[:at] + chance.choice(pieces) + value[at:]
            case 1:
                at = chance.randrange(len(value))
                value = value[:at] + value[at + 1 :]
            case 2 if name == "email":
                local, domain = (chance.choices(pieces, k=chance.randrange(1, 5)) for _part in range(2))
                value = "".join(local) + "@" + "".join(domain) + chance.choice([".org", ".example", ""])
            case 2 | 3:
                value = "".join(chance.choices(pieces, k=chance.randrange(1, 6)))
                value = f"+{chance.randrange(1, 999)} {chance.randrange(10**11)}" if name == "phone" else value
        yield name, value, platform


def test_the_browser_may_refuse_more_than_the_hub_but_never_makes_another_form(
    canonical: Callable[..., list[list[str]]],
) -> None:
    rows = list(varied(random.Random(5)))
    due, found = [hub_form(row) for row in rows], canonical(rows)
    other = [row for row, one, hub in zip(rows, found, due, strict=True) if one[0] == "taken" and one != hub]
    # Numbering plans of two releases of one library: that a plan has since been narrowed makes no other number.
    other = [row for row in other if not (row[0] == "phone" and hub_form(row)[0] == "refused")]
    assert other == []
    taken = [(row, one) for row, one, hub in zip(rows, found, due, strict=True) if hub[0] == "taken"]
    refused = [(ascii(row), one) for row, one in taken if one[0] == "refused"]
    print(len(taken), "taken by the hub,", len(refused), "of them refused by the browser", refused[:20])
    assert len(taken) > 1_000
    assert len(refused) < len(taken) / 50


def test_case_folding_is_pythons_for_every_character(page: Page) -> None:
    assigned = [
        char
        for char in map(chr, range(0x110000))
        if unicodedata.category(char) not in ("Cn", "Cs", "Co") and char.isprintable()
    ]
    found: list[str] = page.evaluate(
        """async (characters) => {
          const { folded } = await import("/static/portal/edge/texts.js");
          return characters.map(folded);
        }""",
        assigned,
    )
    assert [char for char, one in zip(assigned, found, strict=True) if one != fold(char)] == []
    assert len(assigned) > 100_000


def test_the_structures_of_ibans_are_the_hubs() -> None:
    script = (Path(edge.__file__).parents[1] / "sharing" / "static" / "portal" / "edge" / "payments.js").read_text()
    rows = Path(iban.__file__).with_name("iban.dat").read_text().splitlines()
    due = {f"{row[:2]}:{row.split('bban=')[1][1:-1].replace('!', '')}" for row in rows if "bban=" in row}
    lines = script.split("const COUNTRIES =")[1].split(";")[0].split('"')[1::2]
    assert set(" ".join(lines).split()) == due


def test_every_refusal_of_the_scripts_has_words(scene: Scene) -> None:
    shown = json.loads(rows_context(actor_of_user(scene.ana))["edge"])
    for name in KEYED:
        assert {
            "too_long",
            "not_unicode",
            "nul",
            "empty",
            "control_character",
            "too_many_marks",
            "unkeyed_hash",
        } <= set(shown["refusals"][name])
    for row in VECTORS["refused"]:
        if row["type"] in KEYED:
            assert row["code"] in shown["refusals"][row["type"]]
