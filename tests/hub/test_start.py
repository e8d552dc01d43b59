"""What refuses to start, and what answers once it has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client

ROOT = Path(__file__).resolve().parents[2]
DOORS = {
    "web": [sys.executable, "-c", "import hub.wsgi"],
    "relay": [sys.executable, str(ROOT / "manage.py"), "relay"],
    "index": [sys.executable, str(ROOT / "manage.py"), "index"],
    "worker": [sys.executable, "-m", "celery", "-A", "hub.celery:app", "worker", "-P", "solo"],
    "beat": [sys.executable, "-m", "celery", "-A", "hub.celery:app", "beat"],
}


@pytest.mark.parametrize("door", DOORS)
def test_no_door_opens_with_the_published_secret(door: str, tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("HUB_SECRET_KEY", "HUB_DEMO", "BROKER_URL")
    }
    run = subprocess.run(
        DOORS[door],
        # Its own folder: beat leaves its schedule where it is started.
        cwd=tmp_path,
        env=environment | {"HUB_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode != 0
    assert "HUB_SECRET_KEY" in run.stdout + run.stderr


@pytest.mark.parametrize(
    "content", [None, "{", '{"active": "k2", "keys": {"k1": "00"}}', '{"active": "k1", "keys": {"k1": "00"}}']
)
@pytest.mark.parametrize("name", ["TOKEN_KEYS_FILE", "ENCRYPTION_KEYS_FILE"])
def test_keys_that_are_not_in_order_are_an_error(
    settings: LazySettings, tmp_path: Path, content: str | None, name: str
) -> None:
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_text(content)
    setattr(settings, name, str(file))
    assert {"TOKEN_KEYS_FILE": "hub.E002", "ENCRYPTION_KEYS_FILE": "hub.E007"}[name] in [one.id for one in run_checks()]


def test_a_route_to_nowhere_is_an_error(settings: LazySettings) -> None:
    settings.OUTBOX_ROUTES = {"signals.changed": "sharing.tasks.no_such_task"}
    assert "hub.E003" in [message.id for message in run_checks()]


@pytest.mark.parametrize(("limit", "refused"), [(-1, True), (0, True), (1, False)])
def test_a_flood_limit_below_one_is_an_error(settings: LazySettings, limit: int, refused: bool) -> None:
    settings.MATCH_FLOOD_LIMIT = limit
    assert ("hub.E004" in [message.id for message in run_checks()]) is refused


@pytest.mark.parametrize("network", ["10.0.0.0/33", "10.0.0.1/8", "receiver.example"])
def test_a_network_for_webhooks_that_is_none_is_an_error(settings: LazySettings, network: str) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [network]
    assert "hub.E008" in [message.id for message in run_checks()]


def test_everything_in_order_passes() -> None:
    assert [message for message in run_checks() if message.is_serious()] == []


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
def test_health(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200

    def away(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(connection, "cursor", away)
    monkeypatch.setattr(connection, "close", lambda: None)
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
