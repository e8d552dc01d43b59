"""The search for key material: finds it in every place and form, says where, and never shows it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import CommandError

from hub.audit.models import AuditEntry
from hub.encryption import encryption_keys
from hub.keys import token_keys
from hub.leaks import Search, forms_of
from sharing.management.commands.check_keys import secrets
from sharing.signals.indicators import Indicator
from tests import factories
from tests.keys import SEEDS, give_keys

pytestmark = pytest.mark.django_db

FORMS: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "hexadecimal": lambda secret: secret.hex().encode(),
    "capitals": lambda secret: secret.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64 of addresses": base64.urlsafe_b64encode,
    "base64 in the midst": lambda secret: base64.b64encode(b"a" + secret + b"bc"),
    "base64 elsewhere": lambda secret: base64.b64encode(b"ab" + secret + b"c"),
    "a list of numbers": lambda secret: str(list(secret)).encode(),
    "a number": lambda secret: str(int.from_bytes(secret, "little")).encode(),
    "as Python shows it": lambda secret: repr(secret).encode(),
}


@pytest.fixture(autouse=True)
def _own_home(settings: LazySettings, tmp_path: Path) -> None:
    settings.HOME = tmp_path / "home"
    (settings.HOME / "logs").mkdir(parents=True)
    give_keys(settings, tmp_path, "k2", k1={}, k2={})


def said(*arguments: str) -> str:
    """What the command prints when it finds something."""
    printed = StringIO()
    with pytest.raises(CommandError, match="Rotate the keys") as failed:
        call_command("check_keys", *arguments, stdout=printed)
    text = printed.getvalue() + str(failed.value)
    for secret in secrets().values():
        assert not any(form.decode(errors="replace") in text for form in forms_of(secret))
    return text


def test_a_hub_in_order_has_none(settings: LazySettings) -> None:
    organisation, group = factories.make_organisation(), factories.make_group()
    factories.give(organisation, group)
    factories.submit(organisation, group, indicators=[("email", "someone@example.org")])
    printed = StringIO()
    call_command("check_keys", stdout=printed)
    assert printed.getvalue().startswith("No key material in the database, the settings, ")
    call_command("check_keys", "--json", stdout=(as_json := StringIO()))
    assert json.loads(as_json.getvalue())["found"] == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("what", ["the seed of k1", "the private key of k2"])
def test_every_form_is_found_in_a_file(settings: LazySettings, form: str, what: str) -> None:
    secret = secrets()[what]
    # Across the end of what is read at once.
    (settings.HOME / "logs" / "web.log").write_bytes(b"x" * ((1 << 20) - 20) + FORMS[form](secret) + b"y")
    text = said()
    assert f"logs/web.log: {what}" in text


def test_it_is_found_in_text_json_and_bytes_of_the_database() -> None:
    factories.make_organisation("leaky", name=SEEDS["k1"])
    Indicator.objects.create(signal_type="email", value=secrets()["the private key of k2"])
    AuditEntry.objects.create(action="test", detail={"note": [base64.b64encode(bytes.fromhex(SEEDS["k2"])).decode()]})
    assert said().splitlines()[:3] == [
        "database, table accounts_organisation, column name: the seed of k1",
        "database, table audit_auditentry, column detail: the seed of k2",
        "database, table sharing_indicator, column value: the private key of k2",
    ]


def test_it_is_found_in_the_settings(settings: LazySettings) -> None:
    settings.SOMEBODYS_OWN = {"keys": {"k1": SEEDS["k1"]}}
    assert "setting SOMEBODYS_OWN: the seed of k1" in said()


def test_it_is_found_in_a_folder_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "old").mkdir(parents=True)
    (tmp_path / "elsewhere" / "old" / "core").write_bytes(bytes.fromhex(SEEDS["k1"]))
    report = said("--folder", str(tmp_path / "elsewhere"), "--json")
    assert "elsewhere/old/core" in report
    with pytest.raises(CommandError, match="no folder"):
        call_command("check_keys", "--folder", str(tmp_path / "nowhere"))


def test_without_keys_it_says_so(settings: LazySettings) -> None:
    settings.TOKEN_KEYS_FILE = ""
    with pytest.raises(CommandError, match="no keys"):
        call_command("check_keys")


def test_a_search_for_nothing_finds_nothing() -> None:
    assert Search({}).named_in(b"anything") == set()
    of_tokens = {f"the {what} of {key}" for key in token_keys().epochs for what in ("seed", "private key")}
    assert set(secrets()) == of_tokens | {f"the encryption key {name}" for name in encryption_keys().keys}
