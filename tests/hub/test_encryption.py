"""Secrets under keys outside the database."""

from __future__ import annotations

import json
import secrets
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from hub.encryption import Undecipherable, decrypt, encrypt
from sharing.notifications.keeping import live_secrets
from sharing.notifications.models import WebhookSecret
from sharing.notifications.services import create_webhook
from tests import factories

KEYS = {f"k{number}": secrets.token_hex(32) for number in range(1, 4)}


def use(settings: LazySettings, folder: Path, active: str, *names: str) -> None:
    file = folder / f"{active}-{len(names)}.json"
    file.write_text(json.dumps({"active": active, "keys": {name: KEYS[name] for name in names}}))
    settings.ENCRYPTION_KEYS_FILE = str(file)


def test_it_opens_for_its_row_only(settings: LazySettings, tmp_path: Path) -> None:
    use(settings, tmp_path, "k1", "k1")
    text = encrypt("whsec_x", about="webhook 1")
    assert "whsec" not in text
    assert decrypt(text, about="webhook 1") == "whsec_x"
    for changed, about in ((text, "webhook 2"), (text[:-5] + "AAAA=", "webhook 1"), ("", "webhook 1")):
        with pytest.raises(Undecipherable):
            decrypt(changed, about=about)


def test_keys_rotate(settings: LazySettings, tmp_path: Path) -> None:
    use(settings, tmp_path, "k1", "k1")
    text = encrypt("x", about="y")
    use(settings, tmp_path, "k2", "k1", "k2")
    assert decrypt(text, about="y") == "x"
    fresh = encrypt("x", about="y")
    use(settings, tmp_path, "k2", "k2")
    assert decrypt(fresh, about="y") == "x"
    with pytest.raises(Undecipherable):
        decrypt(text, about="y")


@pytest.mark.django_db
def test_secrets_of_webhooks_move_to_the_active_key(settings: LazySettings, tmp_path: Path) -> None:
    use(settings, tmp_path, "k1", "k1")
    organisation = factories.make_organisation()
    made = create_webhook(
        actor=factories.actor_for(organisation), url="https://hooks.example.org/", events=["match.found"]
    )
    use(settings, tmp_path, "k2", "k1", "k2")
    said = StringIO()
    call_command("reencrypt_secrets", stdout=said)
    assert said.getvalue() == "Secrets under the active key: 1.\n"
    use(settings, tmp_path, "k2", "k2")
    assert live_secrets([made.endpoint]) == {made.endpoint.pk: [made.text]}
    use(settings, tmp_path, "k3", "k3")
    with pytest.raises(CommandError, match="can read: 1"):
        call_command("reencrypt_secrets", stdout=StringIO())
    assert WebhookSecret.objects.count() == 1
