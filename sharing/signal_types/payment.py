"""Payment accounts: IBAN and Bitcoin addresses. Card numbers are always refused. Ground floor."""

from __future__ import annotations

import re

from stdnum import bitcoin, iban, luhn
from stdnum.exceptions import ValidationError

from .contract import InvalidValue
from .contract import gettext_noop as _
from .keyed import KeyedType
from .unicode_rules import ascii_digits

_LABEL = re.compile(r"(?:iban|bitcoin)[\s:]*", re.IGNORECASE)
_BETWEEN_DIGITS = re.compile(r"[\W_]")
_CARD = re.compile(r"[0-9]{13,19}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BASE58_ADDRESS = re.compile(r"[13][1-9A-HJ-NP-Za-km-z]{25,34}")
_SEGWIT_ADDRESS = re.compile(r"bc1([02-9ac-hj-np-z]{11,87})")
_SEGWIT_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_SEGWIT_PREFIX = (3, 3, 0, 2, 3)  # "bc" spread out as BIP 173 asks
_BECH32M = 0x2BC830A3  # BIP 350
_LAST_WITNESS_VERSION = 16  # BIP 141, as are the sizes below
_WITNESS_PROGRAM_BYTES = range(2, 41)


class Payment(KeyedType):
    """An IBAN (ISO 13616) or a Bitcoin address (BIP 13, BIP 173, BIP 350), with its checksum right."""

    name = "payment"
    title = _("Payment account")
    description = _("An IBAN or a Bitcoin address. The hub keeps only a keyed token of it. Card numbers are refused.")
    example = "GB29 NWBK 6016 1331 9268 19"

    def canonical(self, text: str, platform: str) -> str:
        plain = ascii_digits(text)
        digits = _BETWEEN_DIGITS.sub("", plain)
        if _CARD.fullmatch(digits) and luhn.is_valid(digits):
            raise InvalidValue(
                "card_number",
                _(
                    "This looks like a payment card number. The hub takes none: they can be abused at once, "
                    "and whoever handles them falls under the card industry's security standard."
                ),
                _("Remove the card number; send the account's IBAN or another identifier."),
            )
        bare = _LABEL.sub("", plain, count=1) if _LABEL.match(plain) else plain
        account = re.sub(r"[\s.-]", "", bare).upper()
        if _IBAN.fullmatch(account) and iban.is_valid(account, check_country=False):
            return f"iban:{account}"
        # A QR code may hold a bech32 address in capitals; mixed case is invalid (BIP 173).
        address = bare.lower() if bare.startswith("BC1") and bare.isupper() else bare
        if _is_bitcoin(address):
            return f"btc:{address}"
        raise InvalidValue(
            "not_a_payment_account",
            _("The value is neither an IBAN nor a Bitcoin address, or its checksum is wrong."),
            _("Check it for a mistyped or missing character. Other kinds of account are not taken yet."),
        )


def _is_bitcoin(address: str) -> bool:
    if _BASE58_ADDRESS.fullmatch(address):
        return bitcoin.is_valid(address)
    found = _SEGWIT_ADDRESS.fullmatch(address)
    if found is None:
        return False
    return bitcoin.is_valid(address) if found[1][0] == "q" else _is_later_segwit(found[1])


def _is_later_segwit(characters: str) -> bool:
    """Check a witness version 1 to 16 (Taproot is 1): python-stdnum knows only the checksum of version 0."""
    values = [_SEGWIT_ALPHABET.index(char) for char in characters]
    if values[0] > _LAST_WITNESS_VERSION or bitcoin.bech32_checksum([*_SEGWIT_PREFIX, *values]) != _BECH32M:
        return False
    try:
        program = bitcoin.b32decode(values[1:-6])
    except ValidationError:
        return False
    return len(program) in _WITNESS_PROGRAM_BYTES
