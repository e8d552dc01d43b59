"""Exact hashes of files."""

from __future__ import annotations

import hashlib

import pytest

from sharing.signal_types import InvalidValue, get

NAMES = ["md5", "sha1", "sha256"]


@pytest.mark.parametrize("name", NAMES)
def test_the_example_is_the_hash_of_the_pangram(name: str) -> None:
    pangram = b"The quick brown fox jumps over the lazy dog"
    assert get(name).parse(get(name).example) == hashlib.new(name, pangram).digest()


@pytest.mark.parametrize("name", NAMES)
def test_the_hash_of_an_empty_file_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        get(name).parse(hashlib.new(name).hexdigest())
    assert caught.value.code == "hash_of_nothing"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", NAMES)
def test_the_hash_of_another_type_is_refused(name: str, other: str) -> None:
    if name == other:
        assert get(name).parse(get(other).example)
        return
    with pytest.raises(InvalidValue) as caught:
        get(name).parse(get(other).example)
    assert caught.value.code == "wrong_length"


@pytest.mark.parametrize("value", ["z" * 64, "0x" + "a" * 62, "a" * 31 + " " + "a" * 32, "\uff11" * 64])
def test_only_ascii_hexadecimal_digits_are_taken(value: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        get("sha256").parse(value)
    assert caught.value.code == "not_hex"
