"""manage.py check_keys: is key material anywhere where it must not be? (floor 7)"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from hub.encryption import encryption_keys
from hub.keys import token_keys
from hub.leaks import Leak, Search
from sharing.signals.tokens import secret_key


class Command(BaseCommand):
    help = (
        "Searches the database, the logs and a dump of the settings for encryption keys and for the seeds and private "
        "keys of identifier tokens, raw, in hexadecimal digits or in base64. Exit code 1 when one is found. It names "
        "the place, never the key."
    )
    # It must also run where the checks refuse to start.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--folder", type=Path, action="append", default=[], help="a folder of logs to search besides the hub's own"
        )
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        folders = [folder for folder in (settings.HOME / "logs", settings.HOME / "broker") if folder.is_dir()]
        for folder in options["folder"]:
            if not folder.is_dir():
                raise CommandError(f"There is no folder {folder} to search.")
            folders.append(folder)
        try:
            search = Search(secrets())
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        leaks = list(found_by(search, folders))
        if options["json"]:
            shown = [{"place": leak.place, "what": leak.what} for leak in leaks]
            self.stdout.write(json.dumps({"searched": ["database", "settings", *map(str, folders)], "found": shown}))
        else:
            for leak in leaks:
                self.stdout.write(f"{leak.place}: {leak.what}")
        if leaks:
            mend = "Rotate the keys (docs/operations.md), then clean the places."
            raise CommandError(f"Key material was found in {len(leaks)} places. {mend}")
        if not options["json"]:
            where = ", ".join(["the database", "the settings", *map(str, folders)])
            self.stdout.write(f"No key material in {where}.")


def secrets() -> dict[str, bytes]:
    """What must not be found, by the name under which it is reported."""
    found = {}
    for key_id, epoch in token_keys().epochs.items():
        found[f"the seed of {key_id}"] = epoch.seed
        found[f"the private key of {key_id}"] = secret_key(epoch).private_bytes()
    for name, key in encryption_keys().keys.items():
        found[f"the encryption key {name}"] = key
    return found


def found_by(search: Search, folders: list[Path]) -> Iterator[Leak]:
    with transaction.atomic():
        yield from search.database()
    for folder in folders:
        yield from search.folder(folder)
    yield from search.values("setting", ((name, getattr(settings, name)) for name in dir(settings) if name.isupper()))
