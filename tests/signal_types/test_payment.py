"""Payment accounts, and the refusal of card numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from sharing.signal_types import InvalidValue, get


def code_for(value: str) -> str:
    with pytest.raises(InvalidValue) as caught:
        get("payment").parse(value)
    return caught.value.code


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("GB29NWBK60161331926819", "iban:GB29NWBK60161331926819"),
        ("gb29 nwbk 6016 1331 9268 19", "iban:GB29NWBK60161331926819"),
        ("IBAN GB29-NWBK-6016-1331-9268-19", "iban:GB29NWBK60161331926819"),
        ("Gb29Nwbk60161331926819", "iban:GB29NWBK60161331926819"),
        ("NO93 8601 1117 947", "iban:NO9386011117947"),
        ("MT84MALT011000012345MTLCAST001S", "iban:MT84MALT011000012345MTLCAST001S"),
        ("FR14 2004 1010 0505 0001 3M02 606", "iban:FR1420041010050500013M02606"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "btc:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("bitcoin:3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "btc:3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
        ("BC1SW50QGDZ25J", "btc:bc1sw50qgdz25j"),
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "btc:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        (
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            "btc:bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ),
    ],
)
def test_one_form_of_a_payment_account(sent: str, canonical: str) -> None:
    assert get("payment").parse(sent).decode() == canonical


@pytest.mark.parametrize(
    "value",
    [
        "GB29NWBK60161331926818",
        "GB29NWBK6016133192681",
        "XX29NWBK60161331926819",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
        "BC1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
        # BIP 350: version 1 with the checksum of version 0 and the other way round, version 17, programs of 1
        # and of 41 bytes, bits set in the padding
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
        "bc1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqaayh03",
        "bc130xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq7zws8r",
        "bc1pqqlppvpg",
        "bc1pqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqepcyyg",
        "bc1pqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqpuk5vwf",
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        "ana@pay.example",
        "0012345678",
    ],
)
def test_what_has_a_wrong_checksum_or_is_another_kind_is_refused(value: str) -> None:
    assert code_for(value) == "not_a_payment_account"


@pytest.mark.parametrize(
    "value",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "378282246310005",
        "\uff14111 1111 1111 1111",
        "6304000000000000000",
        "4222222222222",
        "\u0664\u0661\u0661\u0661 1111 1111 1111",
    ],
)
def test_card_numbers_are_refused_with_the_reason(value: str) -> None:
    assert code_for(value) == "card_number"


@given(st.text("0123456789", min_size=12, max_size=18), st.sampled_from(["", " ", "-", "."]))
def test_every_number_that_could_be_a_card_is_refused(digits: str, separator: str) -> None:
    number = digits + luhn.calc_check_digit(digits)
    assert code_for(separator.join(number)) == "card_number"
