"""The command line: hub-client hash, submit, lookup, sync, matches, whoami, doctor."""

from __future__ import annotations

import logging
import warnings

import typer
from PIL import Image

from hub_client import __version__

from .asking import matches_command, whoami_command
from .doctor import doctor_command
from .hashing import hash_command
from .looking_up import lookup_command
from .submitting import submit_command
from .syncing import sync_command

app = typer.Typer(
    name="hub-client",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables could show a key.
    pretty_exceptions_enable=False,
    help="Client of the intelligence-sharing hub. Address and key: HUB_URL and HUB_KEY, or a configuration file.",
)
app.command("hash")(hash_command)
app.command("submit")(submit_command)
app.command("lookup")(lookup_command)
app.command("sync")(sync_command)
app.command("matches")(matches_command)
app.command("whoami")(whoami_command)
app.command("doctor")(doctor_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hub-client {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Entry point."""
    # The refusal of such a file says it already.
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    app()
