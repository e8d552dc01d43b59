"""manage.py rematch: have stored signals matched again (floor 7)."""

from __future__ import annotations

import time
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actor import Actor, actor_of_user
from accounts.models import User
from hub.errors import HubError, Invalid
from sharing import signal_types
from sharing.matching.models import Rematch
from sharing.matching.rematches import start_rematch

LOOK_SECONDS: Final = 1.0


class Command(BaseCommand):
    help = "Matches stored signals again in the background: all of them, or those that hold one signal type."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--by", required=True, metavar="EMAIL", help="the administrator who asks for it")
        parser.add_argument("--reason", required=True, help="kept in the audit")
        parser.add_argument("--type", default="", choices=sorted(signal_types.NAMES), help="only signals that hold it")
        parser.add_argument("--wait", action="store_true", help="show how far it is, until it has ended")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rematch = start_rematch(
                actor=_administrator(options["by"]), reason=options["reason"], signal_type=options["type"]
            )
        except Invalid as error:
            raise CommandError(" ".join(f"{problem.message} {problem.mend}" for problem in error.problems)) from None
        except HubError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Started {rematch.uuid}.")
        while options["wait"] and rematch.state in (Rematch.State.QUEUED, Rematch.State.RUNNING):
            time.sleep(LOOK_SECONDS)
            rematch.refresh_from_db()
            total = "?" if rematch.total is None else rematch.total
            self.stdout.write(f"{rematch.done} of {total} signals, {rematch.found} new matches")
        if options["wait"] and rematch.state != Rematch.State.FINISHED:
            raise CommandError("It was cancelled.")


def _administrator(email: str) -> Actor:
    user = User.objects.select_related("organisation__group").filter(email__iexact=email).first()
    if user is None:
        raise CommandError("There is no such person.")
    return actor_of_user(user)
