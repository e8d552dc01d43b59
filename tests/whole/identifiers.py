"""Identifiers that nobody else has, and every form in which one of them could leave a trace."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import string
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

from stdnum import iban, luhn

from sharing import signal_types

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Identifier:
    """`core` is the part that is random: it stands in every spelling of the identifier."""

    type: str
    value: str
    core: str

    def forms(self) -> set[str]:
        """Lower-case texts: search without regard to case."""
        bare = re.sub(r"[\s.()-]", "", self.value)
        texts = {self.value, bare, self.value.lower(), self.value.upper(), *self._canonical()}
        found = {self.core}
        for text in texts:
            found |= {text, text.encode().hex(), *_in_an_address(text), *_digests(text), *_base64(text)}
        return {form.lower() for form in found}

    def _canonical(self) -> Iterator[str]:
        try:
            whole = signal_types.get(self.type).parse(self.value, platform="exampletube").decode()
        except signal_types.InvalidValue:
            return
        yield whole
        yield whole.rpartition(":")[2]


def _in_an_address(text: str) -> Iterator[str]:
    """Percent-encoded as programs, browsers' forms and Django itself do it."""
    yield quote(text, safe="")
    yield quote_plus(text)
    yield quote(text, safe="/:@!$&'()*+,;=")


def _digests(text: str) -> Iterator[str]:
    for algorithm in ("md5", "sha1", "sha256"):
        yield hashlib.new(algorithm, text.encode()).hexdigest()


def _base64(text: str) -> Iterator[str]:
    """As it looks inside a longer text: at each of the three offsets, without what its neighbours decide."""
    for offset, first in ((0, 0), (1, 2), (2, 3)):
        coded = base64.b64encode(bytes(offset) + text.encode()).decode()
        yield coded[first:].rstrip("=")[:-1] if coded.endswith("=") else coded[first:]


def valid() -> list[Identifier]:
    """One of each kind that the hub takes, written as people write them."""
    mail, name, phone = secrets.token_hex(6), secrets.token_hex(6), _digits(9)
    imei, account, address = _digits(14), _digits(14), _bitcoin_address()
    imei += luhn.calc_check_digit(imei)
    number = f"GB{iban.calc_check_digits(f'GB00NWBK{account}')}NWBK{account}"
    return [
        Identifier("email", f"Zoe.{mail.title()}@Mail.Example.org", mail),
        Identifier("phone", f"+44 7{phone[:3]} {phone[3:]}", f"7{phone}"),
        Identifier("username", f"@Q_{name.upper()}", name),
        Identifier("device", imei, imei),
        Identifier("payment", " ".join(number[at : at + 4] for at in range(0, len(number), 4)), account),
        Identifier("payment", address, address),
    ]


def invalid() -> list[Identifier]:
    """One of each kind as it is mistyped, or meant for another field: the hub refuses it."""
    mail, name, phone, wrong = secrets.token_hex(6), secrets.token_hex(6), _digits(9), valid()
    imei, number, address = (item.value for item in wrong[3:])
    bad_imei = imei[:-1] + str((int(imei[-1]) + 1) % 10)
    bad_number = f"GB{(int(number[2:4]) + 1) % 100:02}{number[4:]}"
    bad_address = address[:-1] + ("A" if address[-1] != "A" else "B")
    return [
        Identifier("email", f"zoe.{mail} at mail.example.org", mail),
        Identifier("phone", f"07{phone}", f"7{phone}"),
        Identifier("username", f"Zoe {name}", name),
        Identifier("device", bad_imei, bad_imei),
        Identifier("payment", bad_number, wrong[4].core),
        Identifier("payment", bad_address, bad_address),
    ]


def _digits(count: int) -> str:
    return "".join(secrets.choice(string.digits) for _ in range(count))


def _bitcoin_address() -> str:
    """Pay to public key hash, in base 58 with its checksum (BIP 13)."""
    payload = b"\0" + secrets.token_bytes(20)
    checksum = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, coded = int.from_bytes(payload + checksum), ""
    while number:
        number, digit = divmod(number, 58)
        coded = _BASE58[digit] + coded
    return f"1{coded}"


def found_in(folder: Path, needles: Iterable[str], notes: Path) -> dict[str, set[str]]:
    """Which of the needles stand in which files below a folder, whatever the case. `notes` is outside of it."""
    notes.write_text("\n".join(sorted(needles)), encoding="utf-8")
    done = subprocess.run(
        ["grep", "-r", "-a", "-i", "-o", "-F", "-f", str(notes), "."],
        cwd=folder,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, set[str]] = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        file, _, needle = line.partition(":")
        found.setdefault(file.removeprefix("./"), set()).add(needle.lower())
    return found
