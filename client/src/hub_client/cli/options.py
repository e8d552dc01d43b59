"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[str | None, typer.Option("--url", help="The hub's address. Otherwise HUB_URL or the configuration.")]
Config = Annotated[Path | None, typer.Option("--config", help="Configuration file with url and key, closed to others.")]
Json = Annotated[bool, typer.Option("--json", help="Print lines of JSON, for programs.")]
Processes = Annotated[int | None, typer.Option("--processes", min=1, help="Files read at once. Otherwise: every core.")]
Database = Annotated[
    Path | None, typer.Option("--db", help="The file of the copy. Otherwise one in a folder of your own.")
]
