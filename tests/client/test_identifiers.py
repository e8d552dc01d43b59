"""Tokens are made here, and only under the key that was published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hub_client
from hub_client import Indicator, InvalidValue, ProofFailed, UnexpectedAnswer, steps
from hub_client.answers import (
    Evaluated,
    Found,
    IdentifierKey,
    IdentifierKeys,
    LookupAnswer,
    LookupResult,
    VerdictCounts,
)
from hub_client.calls import Call
from hub_client.identifiers import Tokens
from sharing import oprf, signal_types

KEY = oprf.SecretKey(b"\1" * 32, oprf.KEY_INFO)
ANOTHER = oprf.SecretKey(b"\2" * 32, oprf.KEY_INFO)


def published(**fields: Any) -> IdentifierKeys:
    key = {"key_id": "k1", "public_key": KEY.public_key.hex(), "active": True, "live": True, **fields}
    return IdentifierKeys("ristretto255-SHA512", "VOPRF", (IdentifierKey(**key),))


def evaluated_under(key: oprf.SecretKey, call: Call[Any], **fields: Any) -> Evaluated:
    elements, proof = key.evaluate([bytes.fromhex(element) for element in call.body["elements"]])
    told = {"key_id": "k1", "elements": tuple(element.hex() for element in elements), "proof": proof.hex()}
    return Evaluated(**{**told, **fields})


def made(
    indicators: list[Indicator],
    tokens: Tokens | None = None,
    keys: IdentifierKeys | None = None,
    evaluate: Callable[[Call[Any]], Evaluated] = lambda call: evaluated_under(KEY, call),
) -> tuple[list[Indicator], list[Call[Any]]]:
    """What becomes of the indicators, and what was asked of the hub."""
    steps, asked = (tokens or Tokens()).tokenised(indicators), []
    try:
        call = next(steps)
        while True:
            asked.append(call)
            call = steps.send(keys or published() if call.path.endswith("/keys") else evaluate(call))
    except StopIteration as end:
        return end.value, asked


def token_of(name: str, value: str, platform: str = "") -> str:
    """As the hub itself would make it of a plain value."""
    canonical = signal_types.get(name).parse(value, platform=platform)
    return oprf.token_from(KEY.output(oprf.token_message(name, canonical))).hex()


def test_the_token_is_the_one_that_the_hub_would_make() -> None:
    sent = [
        Indicator("email", "Ana@Example.org"),
        Indicator("md5", "a1" * 16),
        Indicator("username", "@Ana", platform="chirper"),
        Indicator("email", "ana@example.org"),
    ]

    found, asked = made(sent)

    assert [item.token for item in found] == [
        token_of("email", "ana@example.org"),
        "",
        token_of("username", "ana", "chirper"),
        token_of("email", "ana@example.org"),
    ]
    assert [item.key_id for item in found] == ["k1", "", "k1", "k1"]
    assert all(not item.value and not item.platform for item in found if item.token)
    assert found[1] is sent[1]
    assert len(asked[1].body["elements"]) == 2  # the same value once


def test_nothing_of_the_value_is_in_what_is_asked_and_each_time_it_is_another() -> None:
    bodies = [json.dumps(made([Indicator("email", "ana@example.org")])[1][1].body) for _time in range(2)]

    assert bodies[0] != bodies[1]
    assert token_of("email", "ana@example.org") not in bodies[0]


def test_without_identifiers_nothing_is_asked() -> None:
    assert made([Indicator("md5", "a1" * 16)])[1] == []


def test_many_are_asked_in_parts_and_the_key_once() -> None:
    tokens = Tokens()
    found, asked = made([Indicator("email", f"a{number}@example.org") for number in range(1_001)], tokens)

    assert [len(call.body["elements"]) for call in asked[1:]] == [500, 500, 1]
    assert found[1_000].token == token_of("email", "a1000@example.org")
    assert len(made([Indicator("email", "b@example.org")], tokens)[1]) == 1


@pytest.mark.parametrize(
    "evaluate",
    [
        lambda call: evaluated_under(ANOTHER, call),
        lambda call: evaluated_under(KEY, call, key_id="k2"),
        lambda call: evaluated_under(KEY, call, proof="00" * 64),
        lambda call: evaluated_under(KEY, call, proof="no"),
        lambda call: evaluated_under(KEY, call, elements=()),
        lambda call: evaluated_under(KEY, call, elements=("00" * 32,)),
    ],
)
def test_a_wrong_evaluation_makes_no_token(evaluate: Callable[[Call[Any]], Evaluated]) -> None:
    with pytest.raises(ProofFailed):
        made([Indicator("email", "ana@example.org")], evaluate=evaluate)


def test_a_key_other_than_the_trusted_one_is_refused() -> None:
    wanted = [Indicator("email", "ana@example.org")]
    for trusted in ({"k1": ANOTHER.public_key.hex()}, {"k2": KEY.public_key.hex()}):
        with pytest.raises(ProofFailed, match="not the one you trust"):
            made(wanted, Tokens(trusted))
    assert made(wanted, Tokens({"k1": KEY.public_key.hex().upper()}))[0][0].token


def test_a_hub_that_makes_tokens_otherwise_or_has_no_key_is_told() -> None:
    wanted = [Indicator("email", "ana@example.org")]
    for keys in (IdentifierKeys("P256-SHA256", "VOPRF", published().keys), published(live=False)):
        with pytest.raises(UnexpectedAnswer):
            made(wanted, keys=keys)


def test_the_key_that_was_published_first_under_an_id_is_the_only_one_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, wanted = Tokens(), [Indicator("email", "ana@example.org")]
    made(wanted, tokens)
    monkeypatch.setattr("hub_client.identifiers.KEPT_SECONDS", -1.0)
    assert made(wanted, tokens)[0][0].token
    with pytest.raises(ProofFailed):
        made(wanted, tokens, published(public_key=ANOTHER.public_key.hex()))


def test_a_look_up_asks_under_every_live_key_and_gives_one_answer() -> None:
    old = IdentifierKey("k0", ANOTHER.public_key.hex(), active=False, live=True)
    gone = IdentifierKey("k-", ANOTHER.public_key.hex(), active=False, live=False)
    keys = IdentifierKeys("ristretto255-SHA512", "VOPRF", (gone, old, *published().keys))
    items = [Indicator("md5", "a1" * 16), Indicator("email", "ana@example.org"), Indicator("md5", "a2" * 16)]
    looking = steps.look_up(Tokens(), items)
    call, answer = next(looking), None
    found = Found("id-1", "beta", "people_smuggling", "high", "AMBER", 0, VerdictCounts())
    with pytest.raises(StopIteration) as end:
        while True:
            if call.path.endswith("/keys"):
                answer = keys
            elif call.path.endswith("/evaluate"):
                under = KEY if call.body["key_id"] == "k1" else ANOTHER
                answer = evaluated_under(under, call, key_id=call.body["key_id"])
            else:
                assert [item.key_id for item in call.body["items"]] == ["", "k1", "k0", ""]
                rows = [LookupAnswer(place, "none") for place in range(4)]
                rows[2] = LookupAnswer(2, "found", (found,))
                answer = LookupResult(1, 0, tuple(rows))
            call = looking.send(answer)
    assert [(row.item, row.status) for row in end.value.value] == [(0, "none"), (1, "found"), (2, "none")]


def test_an_identifier_that_is_none_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(InvalidValue):
        made([Indicator("email", "no address")])


def test_client_and_hub_hold_the_same_files() -> None:
    for mine, hubs in ((hub_client.oprf, oprf), (hub_client.signal_types, signal_types)):
        assert mine is not hubs
        assert Path(str(mine.__file__)).samefile(str(hubs.__file__))
