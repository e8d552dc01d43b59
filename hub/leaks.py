"""Where key material must not be: a search through database, logs and settings (ground). It never prints a key."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.db import connection

# Read at once; forms that lie across the end of a piece are found in the next.
_PIECE: Final = 1 << 20
_ROWS: Final = 2_000
_TEXTS: Final = ("text", "character varying", "character", "json", "jsonb", "xml", "ARRAY", "USER-DEFINED")


@dataclass(frozen=True, slots=True)
class Leak:
    """`place` says where, `what` names the secret; neither holds any of it."""

    place: str
    what: str


def forms_of(secret: bytes) -> set[bytes]:
    """How a secret may be written: raw, in hexadecimal digits, in base64 of both alphabets at any of its three offsets,
    and as a list or a long number of Python."""
    digits = secret.hex().encode()
    forms = {secret, secret[::-1], digits, digits.upper(), b":".join(digits[at : at + 2] for at in range(0, 64, 2))}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            encoded = encode(bytes(offset) + secret)
            # The first and the last characters depend on what stands beside.
            forms.add(encoded[4 if offset else 0 :].rstrip(b"=")[:-1])
    forms.add(b", ".join(str(byte).encode() for byte in secret))
    forms |= {str(int.from_bytes(secret, order)).encode() for order in ("big", "little")}
    # What Python shows of bytes: escapes for all that is not printable.
    forms.add(repr(secret)[2:-1].encode())
    return forms


class Search:
    """Looks for each form of each secret: {what it is: its bytes}."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._forms: dict[bytes, str] = {form: what for what, secret in secrets.items() for form in forms_of(secret)}
        self._longest = max(map(len, self._forms), default=0)

    def named_in(self, data: bytes) -> set[str]:
        return {what for form, what in self._forms.items() if form in data}

    def database(self) -> Iterator[Leak]:
        """Every column of text or bytes, of every table of the hub. Reads all of it, in pieces."""
        for table, columns in _columns().items():
            found: set[tuple[str, str]] = set()
            for rows in _pieces(table, columns):
                for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                    joined = b"\n".join(map(_as_bytes, values))
                    found |= {(column.name, what) for what in self.named_in(joined)}
            yield from (Leak(f"database, table {table}, column {name}", what) for name, what in sorted(found))

    def folder(self, folder: Path) -> Iterator[Leak]:
        """Every file below it, but for symbolic links."""
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not file.is_symlink():
                for what in sorted(self._in_file(file)):
                    yield Leak(f"file {file}", what)

    def _in_file(self, file: Path) -> set[str]:
        found: set[str] = set()
        with file.open("rb") as stream:
            kept = b""
            while piece := stream.read(_PIECE):
                found |= self.named_in(kept + piece)
                kept = (kept + piece)[-self._longest :]
        return found

    def values(self, place: str, named: Iterable[tuple[str, Any]]) -> Iterator[Leak]:
        """Whatever repr() shows of each value, such as of all settings."""
        for name, value in named:
            for what in sorted(self.named_in(repr(value).encode() + b"\n" + _as_bytes(value))):
                yield Leak(f"{place} {name}", what)


class _Column(NamedTuple):
    name: str
    is_bytes: bool


def _columns() -> dict[str, list[_Column]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, c.column_name, c.data_type = 'bytea' FROM information_schema.columns c"
            " JOIN information_schema.tables t USING (table_schema, table_name)"
            " WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.data_type = ANY(%s)"
            " ORDER BY c.table_name, c.ordinal_position",
            [["bytea", *_TEXTS]],
        )
        found: dict[str, list[_Column]] = {}
        for table, name, is_bytes in cursor.fetchall():
            found.setdefault(table, []).append(_Column(name, is_bytes))
        return found


def _pieces(table: str, columns: Sequence[_Column]) -> Iterator[list[tuple[Any, ...]]]:
    quote = connection.ops.quote_name
    shown = ", ".join(quote(column.name) + ("" if column.is_bytes else "::text") for column in columns)
    # Through a cursor of the server: a table of millions of rows does not fit into memory.
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {shown} FROM {quote(table)}")  # noqa: S608 - names from the catalogue, quoted
        while rows := cursor.fetchmany(_ROWS):
            yield rows


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    return value.encode(errors="replace") if isinstance(value, str) else b""
