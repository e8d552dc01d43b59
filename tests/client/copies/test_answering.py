"""Look-ups in a copy."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub_client import BadCopy, Indicator, InvalidValue, LocalCopy
from hub_client.copies import CopyAnswer, CopyWriter
from hub_client.copies.file import Owner
from hub_client.signal_types import distance, get
from tests.client.copies.pages import OWNER, md5, page, signal, uuid

BITS = {"pdq": 31, "phash": 8, "dhash": 5}


def ids(answer: CopyAnswer) -> list[tuple[int, int]]:
    return [(int(kept.signal.id.replace("-", ""), 16), kept.distance) for kept in answer.signals]


def turned(value: bytes, bits: int, dice: random.Random) -> bytes:
    number = int.from_bytes(value, "big")
    for bit in dice.sample(range(8 * len(value)), bits):
        number ^= 1 << bit
    return number.to_bytes(len(value), "big")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "copy.sqlite"


@pytest.fixture
def writer(path: Path) -> Iterator[CopyWriter]:
    with CopyWriter(path) as writer:
        writer.belong(OWNER)
        writer.keep_thresholds(BITS)
        yield writer


def test_half_a_copy_answers_nothing(path: Path, writer: CopyWriter) -> None:
    writer.apply(page("1", [signal(1)], more=True))
    with LocalCopy(path) as copy:
        with pytest.raises(BadCopy, match="never read to its end"):
            copy.look_up([Indicator("md5", md5("1"))])
        assert copy.state().ended_at is None
        writer.apply(page("2", more=False))
        assert ids(copy.look_up([Indicator("md5", md5("1"))])[0]) == [(1, 0)]


def test_what_changes_counts_at_the_next_look_up(path: Path, writer: CopyWriter) -> None:
    value = "f8" * 32
    writer.apply(page("1", [signal(1, ("pdq", value, 90))], more=False))
    with LocalCopy(path) as copy:
        assert ids(copy.look_up([Indicator("pdq", value)])[0]) == [(1, 0)]
        writer.apply(page("2", [signal(2, ("pdq", value, 90))], removed=[1], more=False))
        assert ids(copy.look_up([Indicator("pdq", value)])[0]) == [(2, 0)]
        writer.begin_anew()
        writer.apply(page("3", [signal(3, ("pdq", value, 90))], more=True))
        assert ids(copy.look_up([Indicator("pdq", value)])[0]) == [(2, 0)]
        writer.apply(page("4", more=False))
        assert ids(copy.look_up([Indicator("pdq", value)])[0]) == [(3, 0)]


@pytest.mark.parametrize(("kind", "size"), [("pdq", 32), ("phash", 8), ("dhash", 8)])
def test_near_finds_exactly_what_counting_bits_finds(path: Path, writer: CopyWriter, kind: str, size: int) -> None:
    dice = random.Random(size)
    centres = [dice.randbytes(size) for _ in range(5)]
    values = [turned(dice.choice(centres), dice.randint(0, min(48, 8 * size)), dice) for _ in range(2_000)]
    qualities = [dice.choice([None, 0, 49, 50, 100]) for _ in values]
    rows = [
        signal(number, (kind, value.hex(), quality))
        for number, (value, quality) in enumerate(zip(values, qualities, strict=True), start=1)
    ]
    writer.apply(page("1", rows, more=False))
    asked = [turned(dice.choice(centres), dice.randint(0, 20), dice) for _ in range(20)] + values[:20]

    with LocalCopy(path) as copy:
        answers = copy.look_up([Indicator(kind, value.hex()) for value in asked], most=3_000)
        unclear = copy.look_up([Indicator(kind, value.hex(), quality=49) for value in asked], most=3_000)

    for value, answer, strict in zip(asked, answers, unclear, strict=True):
        apart = {number: distance(value, other) for number, other in enumerate(values, start=1)}
        clear = {number for number, quality in enumerate(qualities, start=1) if quality is None or quality >= 50}
        expected = {
            number: bits for number, bits in apart.items() if bits <= BITS[kind] and (number in clear or bits == 0)
        }
        assert dict(ids(answer)) == expected
        assert [bits for _number, bits in ids(answer)] == sorted(expected.values())
        assert dict(ids(strict)) == {number: 0 for number, bits in apart.items() if bits == 0}
    assert sum(len(answer.signals) for answer in answers) > 100


def test_the_closest_are_told_and_that_there_are_others(path: Path, writer: CopyWriter) -> None:
    writer.apply(page("1", [signal(number, ("md5", md5("crowd"), None)) for number in range(1, 30)], more=False))
    with LocalCopy(path) as copy:
        (answer,) = copy.look_up([Indicator("md5", md5("crowd"))])
        assert ids(answer) == [(number, 0) for number in range(29, 9, -1)]
        assert answer.more
        assert not copy.look_up([Indicator("md5", md5("crowd"))], most=29)[0].more


def test_a_signal_leaves_at_its_end_by_this_clock(path: Path, writer: CopyWriter) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=0.5)).isoformat()
    writer.apply(page("1", [signal(1, expires_at=soon), signal(2)], more=False))
    with LocalCopy(path) as copy:
        assert [copy.look_up([Indicator("md5", md5("1"))])[0].status, len(list(copy.signals()))] == ["found", 2]
        time.sleep(0.6)
        assert copy.look_up([Indicator("md5", md5("1"))])[0].status == "none"
        assert [one.id for one in copy.signals()] == [uuid(2)]
        assert copy.signal(uuid(1)) is None


def test_what_a_copy_cannot_know_is_refused_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "narrow.sqlite"
    with CopyWriter(path) as writer:
        writer.belong(Owner("https://hub.example", "alpha", ("email", "md5")))
        writer.apply(page("1", [signal(1, ("email", "ab" * 32, None))], more=False))
    items = [
        Indicator("email", "ana.lopez@example.org"),
        Indicator("email", token="ab" * 32, key_id="k1"),
        Indicator("pdq", "f8" * 32),
        Indicator("smell", "roses"),
    ]
    with LocalCopy(path) as copy:
        plain, token, narrowed, unknown = copy.look_up(items)
        with pytest.raises(InvalidValue):
            copy.look_up([Indicator("md5", "abc")])
    assert (plain.status, plain.errors[0].code) == ("refused", "plain_identifier")
    assert "--blind" in plain.errors[0].mend
    assert "lopez" not in repr(plain)
    assert ids(token) == [(1, 0)]
    assert narrowed.errors[0].code == "not_in_copy"
    assert unknown.errors[0].code == "unknown_type"
    assert [plain.item, token.item, narrowed.item, unknown.item] == [0, 1, 2, 3]


def test_other_types_are_found_by_the_normal_form_of_their_value(path: Path, writer: CopyWriter) -> None:
    frames = [{"hash": "f8" * 16 + "0f" * 16, "quality": 90, "timestamp": 1.0}]
    asked = [
        Indicator("url", "HTTPS://Example.com/page?utm_source=x"),
        Indicator("text", "work abroad   no papers needed"),
        Indicator("vpdq", frames),
    ]
    values = [
        get("url").parse("http://example.com/page").hex(), get("text").parse("Work abroad! No papers needed.").hex(),
        get("vpdq").parse('["' + "f8" * 16 + "0f" * 16 + ',95,7.0"]').hex(),
    ]  # fmt: skip
    held = [signal(place, (item.type, values[place], None)) for place, item in enumerate(asked)]
    writer.apply(page("1", held, more=False))
    with LocalCopy(path) as copy:
        assert [ids(answer) for answer in copy.look_up(asked)] == [[(0, 0)], [(1, 0)], [(2, 0)]]
