"""What every signal type must do; a new type inherits these tests by being in the registry."""

from __future__ import annotations

import copy
import secrets
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sharing import signal_types
from sharing.signal_types import ALL, NAMES, InvalidValue, SignalType, distance

every_type = pytest.mark.parametrize("signal_type", ALL, ids=NAMES)
keyed_types = pytest.mark.parametrize("signal_type", [t for t in ALL if t.keyed], ids=lambda t: t.name)
PLATFORM = "chirper"

# Pieces that parsers trip over, mixed with arbitrary text, half UTF-16 pairs among it.
PIECES = [
    *"@:/?#[]%&=+.-\\\"'<> \t\n\x00",
    *"\u0660\u00b2\u200d\ufeff\u202e\u00df\u0130\u0345\u0301\u2488\U0001f600\ud800",
    "http://", "HTTPS://", "[::1]", "[fe80::1%25a]", "xn--", "xn--a", "%ff", "%2f", "%25", "utm_x=1", "..",
    "#!", "+44", "+", "(0)", ";ext=", "tel:", "GB29", "IBAN", "bc1q", "bc1p", "1A1zP1eP", "0x", "sha256:",
    "{md5}", "4111111111111111", "490154203237518", "aa:bb:cc:dd:ee:ff", "00000000-0000-", "==",
    "127.0.0.1", "com",
]  # fmt: skip
anything = st.text(st.characters(exclude_categories=()))
tricky = st.lists(st.sampled_from(PIECES) | anything, max_size=12).map("".join)


@st.composite
def mutated(draw: st.DrawFn, original: str) -> str:
    """An accepted value with some of its characters cut out and something else put in."""
    start = draw(st.integers(0, len(original)))
    end = draw(st.integers(start, min(start + 3, len(original))))
    return original[:start] + draw(tricky) + original[end:]


def refusal(signal_type: SignalType, value: str, platform: str = PLATFORM) -> InvalidValue:
    with pytest.raises(InvalidValue) as caught:
        signal_type.parse(value, platform=platform)
    return caught.value


def test_names_are_unique_slugs_and_lead_to_their_types() -> None:
    assert len(set(NAMES)) == len(NAMES) == len(ALL) == 14
    for signal_type in ALL:
        assert signal_types.get(signal_type.name) is signal_type
        assert signal_type.name.isidentifier()
        assert signal_type.name == signal_type.name.lower()
    with pytest.raises(KeyError):
        signal_types.get("nonsense")


def test_parts_have_an_internal_type_that_nobody_can_send() -> None:
    assert {item.parts for item in ALL if item.parts} == {item.name for item in signal_types.INTERNAL}
    for item in signal_types.INTERNAL:
        assert item.name not in NAMES
        assert item.name in signal_types.NEAR
        assert signal_types.get(item.name) is item


def test_the_package_never_imports_django() -> None:
    program = "import sys, sharing.signal_types; print(any(m.split('.')[0] == 'django' for m in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_distance_counts_differing_bits() -> None:
    assert distance(b"\x00\xff", b"\x00\xff") == 0
    assert distance(b"\x00\xff", b"\x01\x0f") == 5
    with pytest.raises(ValueError, match="different sizes"):
        distance(b"\x00", b"\x00\x00")


def test_a_refusal_survives_copying_and_reads_as_two_sentences() -> None:
    refused = copy.copy(InvalidValue("slug", "It is wrong.", "Mend it."))
    assert (refused.code, refused.message, refused.mend) == ("slug", "It is wrong.", "Mend it.")
    assert str(refused) == "It is wrong. Mend it."


@every_type
def test_the_catalogue_entry_is_complete(signal_type: SignalType) -> None:
    assert signal_type.title
    assert signal_type.description.endswith(".")
    if signal_type.near is not None:
        assert signal_type.near.bits == 8 * signal_type.size
        assert 0 < signal_type.near.default_threshold <= signal_type.near.max_threshold < signal_type.near.bits
        assert not signal_type.keyed


@every_type
def test_the_example_parses_to_the_same_bytes_each_time(signal_type: SignalType) -> None:
    parsed = signal_type.parse(signal_type.example, platform=PLATFORM)
    assert parsed == signal_type.parse(signal_type.example, platform=PLATFORM)
    assert parsed == signal_type.parse(f" \ufeff{signal_type.example}\u200b\n", platform=PLATFORM)
    assert parsed if signal_type.keyed else len(parsed) == signal_type.size


@every_type
def test_what_is_shown_of_stored_bytes_is_lower_case_hexadecimal(signal_type: SignalType) -> None:
    stored = bytes(range(256 - signal_type.size, 256))
    assert signal_type.format(stored) == stored.hex()
    if not signal_type.keyed and not signal_type.parts:
        assert signal_type.parse(stored.hex()) == stored
        assert signal_type.parse(stored.hex().upper()) == stored


@every_type
@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "empty"),
        (" \u200b\n", "empty"),
        ("\x00", "nul"),
        ("a\ud800", "not_unicode"),
        ("a" * 2_000_001, "too_long"),
        ("a" + "\u0301\u0327" * 16, "too_many_marks"),
    ],
)
def test_what_no_type_takes_is_refused(signal_type: SignalType, value: str, code: str) -> None:
    assert refusal(signal_type, value).code == code


@every_type
def test_a_refusal_says_what_and_how_to_mend_and_never_repeats_the_value(signal_type: SignalType) -> None:
    secret = secrets.token_hex(9)
    for value in (
        f"{secret}!",
        f"https://{secret}/{secret}",
        f"https://ana@{secret}.org/",
        f"{secret} x@y",
        secret * 9,
    ):
        try:
            signal_type.parse(value, platform=f"{secret}!")
        except InvalidValue as refused:
            assert refused.code.isidentifier()
            assert refused.message.endswith(".")
            assert refused.mend.endswith(".")
            assert secret not in f"{refused.args!r} {refused}"


@every_type
@settings(max_examples=300)
@given(data=st.data(), platform=anything)
@example(data=None, platform="")
def test_any_text_is_taken_or_refused_and_nothing_else_is_raised(
    signal_type: SignalType, data: st.DataObject | None, platform: str
) -> None:
    longest = "\u0f73" * 30 + "\ufdfa" * 200
    value = data.draw(anything | tricky | mutated(signal_type.example)) if data else longest
    try:
        parsed = signal_type.parse(value, platform=platform)
    except InvalidValue as refused:
        # A cause would carry the value into logs: the errors of the codecs and of phonenumbers quote it.
        assert refused.__context__ is None
        assert refused.__cause__ is None
    else:
        assert signal_type.keyed or len(parsed) == signal_type.size


@keyed_types
@pytest.mark.parametrize("length", [32, 40, 56, 64, 96, 128])
@pytest.mark.parametrize(
    "dress",
    ["{0}", "{1}", " {0}\n", "0x{0}", "sha256:{0}", "{{MD5}}{0}", "@{0}", "{2}", "\u200b{3}"],
)
def test_plain_hexadecimal_hashes_of_identifiers_are_refused(signal_type: SignalType, length: int, dress: str) -> None:
    digits = secrets.token_hex(length // 2)
    pairs = ":".join(digits[at : at + 2] for at in range(0, length, 2))
    wide = "".join(chr(ord(char) + 0xFEE0) for char in digits)
    refused = refusal(signal_type, dress.format(digits, digits.upper(), pairs, wide), platform="")
    assert refused.code == "unkeyed_hash"
    assert "itself" in refused.mend


@keyed_types
@pytest.mark.parametrize(
    "value",
    [
        "XUFAKrxLKna5cZ2REBfFkg==",
        "XUFAKrxLKna5cZ2REBfFkg",
        "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
        "qvTGHdzF6KLavt4PO0gs2a6pQ00",
        "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
        "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ",
        "sha256:LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
        "m3HSJL1i83hdltRq09-o_9sFY4ux_2fPtRfd0hbGmmB5lBNCT5bKVOCRg9-O3-uiS_JxYWZV9w2S93aJ8yd-Xw==",
    ],
)
def test_plain_base64_hashes_of_identifiers_are_refused(signal_type: SignalType, value: str) -> None:
    assert refusal(signal_type, value, platform="").code == "unkeyed_hash"


@keyed_types
def test_canonical_bytes_name_their_kind_and_are_text(signal_type: SignalType) -> None:
    kind, colon, rest = signal_type.parse(signal_type.example, platform=PLATFORM).decode().partition(":")
    assert kind.isalpha()
    assert colon
    assert rest


@keyed_types
def test_an_identifier_holds_no_control_character(signal_type: SignalType) -> None:
    middle = len(signal_type.example) // 2
    value = f"{signal_type.example[:middle]}\t{signal_type.example[middle:]}"
    assert refusal(signal_type, value).code == "control_character"
