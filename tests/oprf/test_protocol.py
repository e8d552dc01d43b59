"""Both sides of the oblivious function: what they promise each other, and what they refuse."""

from __future__ import annotations

import copy
import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.oprf import (
    InvalidElement,
    InvalidInput,
    InvalidProof,
    InvalidScalar,
    SecretKey,
    blind,
    checked_public_key,
    finalize,
    token_from,
    token_message,
)
from sharing.oprf import group as ristretto
from sharing.oprf.suite import VOPRF, Mode, Suite

FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
# Outside the group (RFC 9496, appendix A.3): not canonical, negative, no square, negative product.
OUTSIDE = [
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
]
seeds = st.binary(min_size=32, max_size=32)


@pytest.fixture(scope="module")
def key() -> SecretKey:
    return SecretKey(bytes(range(32)))


def any_element() -> bytes:
    return ristretto.element_from(secrets.token_bytes(64))


@given(seed=seeds, messages=st.lists(st.binary(max_size=300), min_size=1, max_size=6))
def test_blinding_and_computing_directly_give_one_output(seed: bytes, messages: list[bytes]) -> None:
    key = SecretKey(seed)
    sent = [blind(message) for message in messages]
    evaluated, proof = key.evaluate([one.element for one in sent])
    assert finalize(sent, evaluated, proof, key.public_key) == [key.output(message) for message in messages]


@given(seed=seeds, message=st.binary(max_size=100))
def test_the_key_and_the_mode_decide_the_output(seed: bytes, message: bytes) -> None:
    outputs = {
        SecretKey(seed).output(message),
        SecretKey(seed, b"another purpose").output(message),
        SecretKey(seed, suite=Suite(Mode.OPRF)).output(message),
        SecretKey(bytes(reversed(seed)) + b"" if seed != seed[::-1] else bytes(32)).output(message),
    }
    assert len(outputs) == 4 or seed == bytes(32)


def test_blinding_twice_sends_two_elements() -> None:
    assert blind(b"email\0email:ana@example.org").element != blind(b"email\0email:ana@example.org").element


def test_equal_values_of_two_types_have_two_tokens(key: SecretKey) -> None:
    tokens = {token_from(key.output(token_message(name, b"same"))) for name in ("email", "phone")}
    assert len(tokens) == 2
    assert {len(token) for token in tokens} == {32}


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_an_element_of_another_size_is_refused(key: SecretKey, size: int) -> None:
    with pytest.raises(InvalidElement, match="32 bytes"):
        key.evaluate([(any_element() * 2)[:size]])


@pytest.mark.parametrize("encoded", OUTSIDE)
def test_what_is_no_element_is_refused_with_its_place(key: SecretKey, encoded: str) -> None:
    with pytest.raises(InvalidElement) as refused:
        key.evaluate([any_element(), any_element(), bytes.fromhex(encoded), any_element()])
    assert refused.value.position == 2
    assert encoded not in str(refused.value)


def test_the_identity_is_refused_everywhere(key: SecretKey) -> None:
    one = blind(b"value")
    evaluated, proof = key.evaluate([one.element])
    for refused in (
        lambda: key.evaluate([bytes(32)]),
        lambda: finalize([one], [bytes(32)], proof, key.public_key),
        lambda: finalize([one], evaluated, proof, bytes(32)),
        lambda: checked_public_key(bytes(32)),
    ):
        with pytest.raises(InvalidElement, match="identity"):
            refused()


@given(seed=seeds)
def test_another_way_to_write_an_element_is_refused(seed: bytes) -> None:
    element = ristretto.element_from(seed * 2)
    number = int.from_bytes(element, "little")
    for other in (number + 2**255, number + FIELD, FIELD - number):
        if other < 2**256:
            with pytest.raises(InvalidElement, match="canonical"):
                ristretto.checked_element(other.to_bytes(32, "little"))


@given(at=st.integers(0, 511), data=st.data())
def test_a_proof_with_one_bit_changed_is_refused(key: SecretKey, at: int, data: st.DataObject) -> None:
    sent = [blind(bytes([number])) for number in range(data.draw(st.integers(1, 3)))]
    evaluated, proof = key.evaluate([one.element for one in sent])
    forged = (int.from_bytes(proof, "little") ^ (1 << at)).to_bytes(64, "little")
    with pytest.raises(InvalidProof):
        finalize(sent, evaluated, forged, key.public_key)


def test_what_was_evaluated_under_another_key_is_refused(key: SecretKey) -> None:
    other = SecretKey(secrets.token_bytes(32))
    sent = [blind(bytes([number])) for number in range(3)]
    elements = [one.element for one in sent]
    evaluated, proof = key.evaluate(elements)
    foreign, foreign_proof = other.evaluate(elements)
    swapped = [evaluated[1], evaluated[0], evaluated[2]]
    for answer, shown in (
        (foreign, foreign_proof),
        (foreign, proof),
        (swapped, proof),
        ([*evaluated[:2], foreign[2]], proof),
    ):
        with pytest.raises(InvalidProof, match="were not evaluated under the key"):
            finalize(sent, answer, shown, key.public_key)


@pytest.mark.parametrize("size", [0, 63, 65])
def test_a_proof_of_another_size_is_refused(key: SecretKey, size: int) -> None:
    one = blind(b"value")
    evaluated, _proof = key.evaluate([one.element])
    with pytest.raises(InvalidProof, match="64 bytes"):
        finalize([one], evaluated, bytes(size), key.public_key)


def test_a_proof_with_a_scalar_that_is_too_great_is_refused(key: SecretKey) -> None:
    one = blind(b"value")
    evaluated, proof = key.evaluate([one.element])
    challenge = int.from_bytes(proof[:32], "little") + ORDER
    with pytest.raises(InvalidProof, match="canonical"):
        finalize([one], evaluated, challenge.to_bytes(32, "little") + proof[32:], key.public_key)
    with pytest.raises(InvalidProof):
        finalize([one], evaluated, bytes(64), key.public_key)


def test_lists_of_different_length_are_refused(key: SecretKey) -> None:
    sent = [blind(b"one"), blind(b"two")]
    evaluated, proof = key.evaluate([one.element for one in sent])
    with pytest.raises(InvalidInput, match="for each blinded one"):
        finalize(sent, evaluated[:1], proof, key.public_key)
    with pytest.raises(InvalidInput, match="From 1"):
        key.evaluate([])


def test_too_long_an_input_is_refused(key: SecretKey) -> None:
    for refused in (lambda: key.output(bytes(2**16)), lambda: blind(bytes(2**16))):
        with pytest.raises(InvalidInput, match="at most 65535 bytes"):
            refused()


@pytest.mark.parametrize("scalar", [bytes(32), ORDER.to_bytes(32, "little"), b"\xff" * 32, bytes(31)])
def test_a_blind_that_is_no_scalar_is_refused(scalar: bytes) -> None:
    with pytest.raises(InvalidScalar):
        blind(b"value", scalar=scalar)


def test_a_seed_of_another_size_is_refused() -> None:
    with pytest.raises(InvalidScalar, match="32 bytes"):
        SecretKey(bytes(31))


def test_nothing_secret_is_printed_or_copied(key: SecretKey) -> None:
    one = blind(b"ana@example.org")
    printed = f"{key} {key!r} {one} {one!r}"
    assert key._private.hex() not in printed
    assert "ana@" not in printed
    assert one.blind.hex() not in printed
    assert repr(one.blind) not in printed
    with pytest.raises(TypeError):
        copy.copy(key)


def test_libsodium_leaves_no_file_behind(tmp_path: Path) -> None:
    script = "import sharing.oprf, json, os; print(json.dumps(os.listdir(os.environ['TMPDIR'])))"
    ran = subprocess.run(
        [sys.executable, "-c", script], env={"TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == []


def test_no_word_of_a_token_depends_on_the_other_half_of_the_output(key: SecretKey) -> None:
    output = key.output(token_message("email", b"email:ana@example.org"))
    assert token_from(output) == output[:32]
    assert VOPRF.mode == Mode.VOPRF
