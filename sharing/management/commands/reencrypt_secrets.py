"""Bring the secrets of webhooks under the active encryption key, so that older keys can be taken out of the file."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError

from sharing.notifications.keeping import reencrypt_secrets


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        done, unreadable = reencrypt_secrets()
        self.stdout.write(f"Secrets under the active key: {done}.")
        if unreadable:
            raise CommandError(
                f"Secrets that no key of the file can read: {unreadable}. Put back the key that they are under, "
                "or have the members rotate them."
            )
