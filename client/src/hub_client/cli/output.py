"""What the commands print, and with which code they end. Results go to the output, everything else to the errors."""

from __future__ import annotations

import functools
import json
import os
import re
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, ParamSpec

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from hub_client.errors import BadSetting, HubClientError, NoAnswer, ProofFailed, Refused, UnreadableFile
from hub_client.signal_types import InvalidValue

Parameters = ParamSpec("Parameters")

_out = Console(highlight=False, soft_wrap=True, emoji=False)
_err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
# What a terminal would obey (C0 but tab and end of line, C1, overrides of the direction of writing), and the bytes of
# a file's name that are no UTF-8: Python has them as halves of surrogate pairs.
_OBEYED: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BYTES: Final = (range(0x100), range(0xDC80, 0xDD00))
_HALVES: Final = range(0xD800, 0xE000)


class Code(IntEnum):
    """Exit codes, as the README lists them."""

    DONE = 0
    IN_PART = 1
    USAGE = 2  # typer's own
    SETTINGS = 3
    REFUSED = 4
    NO_ANSWER = 5
    STOPPED = 130  # by Ctrl-C, as shells count it


def shown(text: str) -> str:
    """Text from elsewhere (a file's name, the hub's words) as a terminal may get it."""
    return _OBEYED.sub(lambda found: _escaped(ord(found[0])), text)


def _escaped(code: int) -> str:
    return f"\\x{code % 0x100:02x}" if any(code in some for some in _BYTES) else f"\\u{code:04x}"


def tell(text: str) -> None:
    """One line of the result, without markup."""
    _out.print(shown(text), markup=False)


def complain(error: Exception | str) -> None:
    """One message on the error stream, without markup: it may hold a file's name."""
    _err.print(shown(str(error)), style="red", markup=False)


def note(text: str) -> None:
    _err.print(shown(text), markup=False)


def counted(number: int, what: str) -> str:
    """1 file, 2 files"""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def were(number: int) -> str:
    return "was" if number == 1 else "were"


def print_json(value: Any) -> None:
    """One line of JSON."""
    sys.stdout.write(f"{json_of(value)}\n")
    sys.stdout.flush()


def json_of(value: Any) -> str:
    """JSON that a terminal may get too. Bytes that are no UTF-8 stand in it as text: no JSON can have them."""
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))
    return _OBEYED.sub(lambda found: _json_escaped(ord(found[0])), text)


def _json_escaped(code: int) -> str:
    return f"\\{_escaped(code)}" if code in _HALVES else f"\\u{code:04x}"


def ends_well(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Errors that are to be expected become a message and an exit code, not a traceback."""

    @functools.wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (HubClientError, InvalidValue) as error:
            complain(error)
            raise typer.Exit(code_of(error)) from None
        except BrokenPipeError:  # whoever read the output has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes what is left when it ends
            raise typer.Exit(Code.DONE) from None
        except KeyboardInterrupt:
            complain("Stopped.")
            raise typer.Exit(Code.STOPPED) from None

    return run


def code_of(error: BaseException) -> Code:
    if isinstance(error, NoAnswer):
        return Code.NO_ANSWER
    if isinstance(error, Refused):
        return Code.NO_ANSWER if error.status in (429, 500, 502, 503, 504) else Code.REFUSED
    if isinstance(error, BadSetting):
        return Code.SETTINGS
    if isinstance(error, UnreadableFile | InvalidValue):
        return Code.IN_PART
    return Code.REFUSED if isinstance(error, ProofFailed | HubClientError) else Code.IN_PART


def progress() -> Progress:
    """A bar on the error stream; nothing where that is no terminal."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=_err,
        transient=True,
        disable=not _err.is_terminal,
    )
