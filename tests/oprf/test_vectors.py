"""The test vectors of RFC 9497, appendix A.1, in both modes, single and batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sharing import oprf
from sharing.oprf import KEY_INFO, SecretKey, blind, finalize, token_from, token_message
from sharing.oprf.blinding import unblinded_output
from sharing.oprf.proof import Evaluation, prove, verify
from sharing.oprf.suite import Mode, Suite

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "data" / "oprf" / "rfc9497-ristretto255-sha512.json"


def hexes(text: str) -> list[bytes]:
    return [bytes.fromhex(part) for part in text.split(",")]


def suites() -> list[dict[str, Any]]:
    return json.loads(VECTORS.read_text(encoding="utf-8")) if VECTORS.is_file() else []


def cases() -> list[Any]:
    reason = "the reference data is not beside this checkout (../shared/data)"
    return [
        pytest.param(suite, vector, id=f"{Mode(suite['mode']).name} {place}, {vector['Batch']} at once")
        for suite in suites()
        for place, vector in enumerate(suite["vectors"])
    ] or [pytest.param({}, {}, marks=pytest.mark.skip(reason=reason))]


def key_of(suite: dict[str, Any]) -> SecretKey:
    return SecretKey(bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"]), Suite(Mode(suite["mode"])))


@pytest.mark.parametrize(("suite", "vector"), cases())
def test_every_step_of_the_protocol_gives_the_published_bytes(suite: dict[str, Any], vector: dict[str, Any]) -> None:
    key = key_of(suite)
    assert key._private.hex() == suite["skSm"]
    inputs, outputs = hexes(vector["Input"]), hexes(vector["Output"])

    sent = [blind(one, key.suite, scalar) for one, scalar in zip(inputs, hexes(vector["Blind"]), strict=True)]
    assert [one.element for one in sent] == hexes(vector["BlindedElement"])

    evaluated, proof = key.evaluate([one.element for one in sent])
    assert evaluated == hexes(vector["EvaluationElement"])

    assert [key.output(one) for one in inputs] == outputs
    assert [unblinded_output(one, element, key.suite) for one, element in zip(sent, evaluated, strict=True)] == outputs
    if key.suite.mode == Mode.VOPRF:
        assert key.public_key.hex() == suite["pkSm"]
        assert finalize(sent, evaluated, proof, key.public_key) == outputs


@pytest.mark.parametrize(("suite", "vector"), cases())
def test_proofs_are_the_published_ones(suite: dict[str, Any], vector: dict[str, Any]) -> None:
    if suite["mode"] != Mode.VOPRF:
        pytest.skip("in mode OPRF there is no proof")
    key = key_of(suite)
    pairs = Evaluation(key.public_key, hexes(vector["BlindedElement"]), hexes(vector["EvaluationElement"]))
    published = bytes.fromhex(vector["Proof"]["proof"])
    assert prove(key.suite, key._private, pairs, bytes.fromhex(vector["Proof"]["r"])) == published
    verify(key.suite, published, pairs)


def test_the_file_of_vectors_has_both_modes_and_a_batch() -> None:
    if not suites():
        pytest.skip("the reference data is not beside this checkout (../shared/data)")
    assert {suite["mode"] for suite in suites()} == {Mode.OPRF, Mode.VOPRF}
    assert max(vector["Batch"] for suite in suites() for vector in suite["vectors"]) > 1


TOKENS: dict[str, Any] = json.loads(Path(oprf.__file__).with_name("vectors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", TOKENS["tokens"], ids=lambda row: str(row["canonical"]))
def test_the_published_tokens_are_made_by_both_ways(row: dict[str, str]) -> None:
    """The hub's own vectors, which the client and the browser run as well."""
    assert TOKENS["info"] == KEY_INFO.decode()
    key = SecretKey(bytes.fromhex(TOKENS["seed"]), KEY_INFO)
    assert key.public_key.hex() == TOKENS["public_key"]
    message = token_message(row["type"], row["canonical"].encode())
    sent = [blind(message)]
    evaluated, proof = key.evaluate([one.element for one in sent])
    assert [key.output(message)] == finalize(sent, evaluated, proof, key.public_key) == [bytes.fromhex(row["output"])]
    assert token_from(key.output(message)).hex() == row["token"]
