"""One immutable file for each signal type and host (floor 4): an index in memory that all processes share.

Layout: a header of HEADER bytes, then the arrays, each at a multiple of 64 bytes. The header is a magic number, the
length and the CRC-32 of a JSON text, and that text: what the file was made from, and shape, place and CRC-32 of each
array; the version of this format is in the file's name. The header is written last and the file is renamed into its
place when it is whole, so nothing that a crash leaves behind is ever taken for an index. The old file is gone when the
last process that maps it has taken the new one. Truth is in the database: a file may be deleted at any time.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sharing.matching.index.bands import ENTRIES, Words, keys_of
from sharing.matching.index.engine import Engine
from sharing.matching.index.tables import Tables

VERSION: Final = 2
HEADER: Final = 4_096
_MAGIC: Final = b"HUB-MIH\n"
_ALIGN: Final = 64
_PREFIX: Final = struct.Struct("<8sII")  # magic, length of the JSON text, its CRC-32
_DTYPES: Final[Mapping[str, str]] = {"ids": "<u4", "codes": "<u8", "offsets": "<u4", "rows": "<u4", "hints": "u1"}


class Refused(Exception):
    """This file is no snapshot that can be trusted; the message says why."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a snapshot was made from: every row of the type that a transaction before `horizon` wrote."""

    signal_type: str
    bits: int
    incarnation: str
    horizon: int
    made_at: float  # seconds since 1970


@dataclass(frozen=True, slots=True)
class Snapshot:
    origin: Origin
    tables: Tables
    first_id: int
    ids: NDArray[np.uint32]  # indicator ids, less first_id

    def __len__(self) -> int:
        return len(self.ids)


def path_of(folder: Path, signal_type: str) -> Path:
    return folder / f"{signal_type}.v{VERSION}.mih"


def identity_of(path: Path) -> tuple[int, int] | None:
    """Changes when another file takes the path; None where there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def write_snapshot(path: Path, origin: Origin, *, ids: NDArray[np.int64], codes: Words, engine: Engine) -> None:
    """Build the tables straight into a new file, then rename it to `path`. Raises OSError, for example on a full disk.

    The caller sees to it that no other process builds at the same path.
    """
    first_id = int(ids.min()) if len(ids) else 0
    if len(ids) and int(ids.max()) - first_id > np.iinfo(np.uint32).max:
        raise OverflowError("Indicator ids are more than 2**32 apart: the snapshot's format needs wider ids.")
    bands = keys_of(codes).shape[1]
    shapes = {
        "ids": (len(ids),),
        "codes": codes.shape,
        "offsets": (bands, ENTRIES),
        "rows": (bands, len(ids)),
        "hints": (bands, len(ids)),
    }
    places, size = _places(shapes)
    unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
    with unfinished.open("w+b") as file:
        # Allocated now: a disk that fills up while a mapped page is written would end the process by SIGBUS.
        os.posix_fallocate(file.fileno(), 0, size)
        with mmap.mmap(file.fileno(), size) as mapped:
            _fill(mapped, places, shapes, ids - first_id, codes, engine)
            arrays = {
                name: {"shape": shapes[name], "at": at, "crc": _crc(mapped, at, length)}
                for name, (at, length) in places.items()
            }
            text = json.dumps({"origin": asdict(origin), "first_id": first_id, "arrays": arrays})
            header = _PREFIX.pack(_MAGIC, len(text), zlib.crc32(text.encode())) + text.encode()
            mapped[: len(header)] = header
    unfinished.replace(path)


def open_snapshot(path: Path) -> Snapshot:
    """Map a file and check all of it. Raises FileNotFoundError, and Refused for what is damaged or foreign."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < HEADER:
            raise Refused("shorter than a header")
        mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    try:
        return _checked(mapped, size)
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("the header has another form") from error


def _checked(mapped: mmap.mmap, size: int) -> Snapshot:
    header = _header(mapped)
    arrays = {}
    for name, dtype in _DTYPES.items():
        shape, at, crc = (header["arrays"][name][key] for key in ("shape", "at", "crc"))
        length = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if at + length > size:
            raise Refused("shorter than its arrays")
        if _crc(mapped, at, length) != crc:
            raise Refused(f"{name} is damaged")
        arrays[name] = np.frombuffer(mapped, dtype, int(np.prod(shape)), at).reshape(shape)
    origin = Origin(**header["origin"])
    tables = Tables(arrays["codes"], arrays["offsets"], arrays["rows"], arrays["hints"])
    return Snapshot(origin, tables, header["first_id"], arrays["ids"])


def _header(mapped: mmap.mmap) -> dict[str, Any]:
    magic, length, crc = _PREFIX.unpack(mapped[: _PREFIX.size])
    text = mapped[_PREFIX.size : _PREFIX.size + length]
    if magic != _MAGIC:
        raise Refused("not a snapshot, or not finished")
    if length > HEADER - _PREFIX.size or zlib.crc32(text) != crc:
        raise Refused("the header is damaged")
    header: dict[str, Any] = json.loads(text)
    return header


def _places(shapes: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, tuple[int, int]], int]:
    """Where each array begins and its length in bytes; and the size of the whole file."""
    places, at = {}, HEADER
    for name, dtype in _DTYPES.items():
        length = int(np.prod(shapes[name])) * np.dtype(dtype).itemsize
        places[name] = (at, length)
        at += -(-length // _ALIGN) * _ALIGN
    return places, at


def _fill(  # noqa: PLR0917
    mapped: mmap.mmap,
    places: Mapping[str, tuple[int, int]],
    shapes: Mapping[str, tuple[int, ...]],
    ids: NDArray[np.int64],
    codes: Words,
    engine: Engine,
) -> None:
    arrays: dict[str, Any] = {
        name: np.frombuffer(mapped, dtype, int(np.prod(shapes[name])), places[name][0]).reshape(shapes[name])
        for name, dtype in _DTYPES.items()
    }
    arrays["ids"][:] = ids
    arrays["codes"][:] = codes
    engine.fill(Tables(arrays["codes"], arrays["offsets"], arrays["rows"], arrays["hints"]))


def _crc(mapped: mmap.mmap, at: int, length: int) -> int:
    with memoryview(mapped) as whole, whole[at : at + length] as part:
        return zlib.crc32(part)
