"""What the commands print, and with which code they end. Results go to the output, everything else to the errors."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Any, ParamSpec

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from hub_client.errors import BadSetting, HubClientError, NoAnswer, ProofFailed, Refused, UnreadableFile
from hub_client.signal_types import InvalidValue

Parameters = ParamSpec("Parameters")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Code(IntEnum):
    """Exit codes, as the README lists them."""

    DONE = 0
    IN_PART = 1
    USAGE = 2  # typer's own
    SETTINGS = 3
    REFUSED = 4
    NO_ANSWER = 5
    STOPPED = 130  # by Ctrl-C, as shells count it


def complain(error: Exception | str) -> None:
    """One message on the error stream, without markup: it may hold a file's name."""
    err.print(str(error), style="red", markup=False)


def note(text: str) -> None:
    err.print(text, markup=False)


def print_json(value: Any) -> None:
    """One line of JSON."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


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
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
