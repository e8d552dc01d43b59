"""docker/ without Docker: what the files name exists here, and they hold no secrets and no root."""

from __future__ import annotations

import http.server
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery.bin.beat import beat
from celery.bin.worker import worker
from django.core.management import get_commands
from django.utils.module_loading import import_string
from gunicorn.config import Config  # type: ignore[import-untyped]

from hub.keys import ENVIRONMENT
from hub.launcher.home import PROJECT

DOCKER = PROJECT / "docker"
OURS = ("migrate", "web", "worker", "beat", "relay", "index")
SECRETS = {"POSTGRES_PASSWORD", "HUB_SECRET_KEY"}


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", (DOCKER / "Dockerfile").read_text())
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def last_stage() -> list[tuple[str, str]]:
    everything = instructions()
    start = max(position for position, (word, _) in enumerate(everything) if word == "FROM")
    return everything[start:]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    return content


def check_command(command: list[str]) -> None:
    """Fails unless the command would start something that exists here, with options that it knows."""
    match command:
        case ["python", "manage.py", name, *_]:
            assert name in get_commands()
        case ["python", "-m", "gunicorn", *options]:
            parsed = Config().parser().parse_args(options)
            assert parsed.args == ["hub.wsgi:application"]
            assert (PROJECT / "hub" / "wsgi.py").exists()
        case ["celery", "-A", app, name, *options]:
            assert import_string(app.replace(":", ".")).main == "hub"
            program = {"worker": worker, "beat": beat}[name]
            program.parser = program.make_parser(program.context_class(program))
            program.parser.parse_args(args=[*options])
        case _:
            pytest.fail(f"nothing here starts as {shlex.join(command)}")


def test_base_images_are_pinned_by_tag() -> None:
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert bases
    for base in bases:
        assert re.fullmatch(r"python:3\.13-slim-[a-z]+", base)


def test_the_image_runs_as_an_ordinary_user() -> None:
    users = [rest for word, rest in last_stage() if word == "USER"]
    assert users == ["10001:10001"]


def test_what_the_image_copies_exists() -> None:
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            assert (PROJECT / rest.split()[0]).exists(), rest


def test_what_the_image_copies_is_not_ignored() -> None:
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    assert "**" in ignored
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            assert f"!{rest.split()[0]}" in ignored


def test_packages_are_installed_with_hashes_and_without_the_embedded_database() -> None:
    installs = [rest for word, rest in instructions() if word == "RUN" and " install " in rest and "pip" in rest]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "production.txt" in installs[0]
    assert "embedded" not in (PROJECT / "requirements" / "production.txt").read_text()


def test_nothing_in_the_image_needs_the_launcher_that_it_leaves_out() -> None:
    for app in ("hub", "accounts", "sharing"):
        for file in (PROJECT / app).rglob("*.py"):
            if "launcher" not in file.parts:
                assert "hub.launcher" not in file.read_text(), file


def test_the_image_has_a_health_check_that_needs_no_other_program() -> None:
    checks = [rest for word, rest in last_stage() if word == "HEALTHCHECK"]
    assert len(checks) == 1
    command = json.loads(checks[0].partition("CMD ")[2])
    assert command[0] == "python"
    assert (PROJECT / command[1]).exists()


def test_the_images_command_starts_the_web_process() -> None:
    (command,) = [json.loads(rest) for word, rest in last_stage() if word == "CMD"]
    check_command(command)


def test_every_command_in_compose_starts_something_that_exists(compose: dict[str, Any]) -> None:
    for name in OURS:
        command = compose["services"][name].get("command")
        if name == "web":
            assert command is None  # the image's own
        else:
            check_command(command)


def test_every_service_is_locked_down(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
    for name in OURS:
        service = compose["services"][name]
        assert service["user"] == "10001:10001"
        assert service["cap_drop"] == ["ALL"]


def test_only_the_web_process_can_be_reached_from_outside(compose: dict[str, Any]) -> None:
    assert compose["networks"]["inside"]["internal"] is True
    outside = [name for name, service in compose["services"].items() if "outside" in service["networks"]]
    # The worker calls members' webhooks. It listens nowhere.
    assert outside == ["web", "worker"]
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["web"]


def test_services_start_after_what_they_need(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name in ("web", "worker", "beat", "relay", "index"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert "migrate" not in services["migrate"]["depends_on"]
    for name in ("database", "broker", "worker"):
        assert services[name]["healthcheck"]["test"]


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    text = (DOCKER / "compose.yaml").read_text()
    for name in re.findall(r"\$\{([A-Z_]+)", text):
        if name in SECRETS:
            assert re.findall(rf"\$\{{{name}(?!:\?)", text) == []
    example = settings_of(DOCKER / ".env.example")
    assert {name for name in SECRETS if example[name]} == set()


def settings_of(file: Path) -> dict[str, str]:
    lines = (line.removeprefix("#") for line in file.read_text().splitlines())
    return {name: value for name, _, value in (line.partition("=") for line in lines) if name.isupper()}


def test_the_example_names_every_variable_and_no_other() -> None:
    settings = (PROJECT / "hub" / "settings.py").read_text()
    read = {ENVIRONMENT, *re.findall(r"\benv\.[a-z]+\(\s*\"([A-Z_]+)\"", settings)}
    substituted = set(re.findall(r"\$\{([A-Z_]+)", (DOCKER / "compose.yaml").read_text()))

    assert set(settings_of(DOCKER / ".env.example")) == read | substituted


def test_every_variable_of_the_example_has_a_comment() -> None:
    above = ""
    for line in (DOCKER / ".env.example").read_text().splitlines():
        if re.match(r"#?[A-Z_]+=", line):
            assert above.startswith("# "), line
        above = line


def test_made_secrets_are_private_fresh_and_never_overwritten(tmp_path: Path) -> None:
    command = [sys.executable, str(DOCKER / "make_secrets.py"), "--folder", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    first = (tmp_path / ".env").read_text()
    made = settings_of(tmp_path / ".env")
    keys = json.loads((tmp_path / "secrets" / "token-keys.json").read_text())
    again = subprocess.run(command, check=True, capture_output=True, text=True)

    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert min(len(made[name]) for name in SECRETS) >= 40
    assert re.fullmatch(r"[0-9a-f]{64}", keys["keys"][keys["active"]])
    assert made["HUB_HTTPS"] == "true"
    assert (tmp_path / ".env").read_text() == first
    assert "stays as it is" in again.stdout


def test_a_trial_runs_without_encryption_on_this_machine_only(tmp_path: Path) -> None:
    command = [sys.executable, str(DOCKER / "make_secrets.py"), "--trial", "--folder", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)

    made = settings_of(tmp_path / ".env")
    assert (made["HUB_HTTPS"], made["HUB_TRUSTED_PROXIES"]) == ("false", "0")


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (301, 1), (None, 1)])
def test_the_health_check_tells_ready_from_not(status: int | None, code: int) -> None:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status or 500)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        url = f"http://127.0.0.1:{server.server_port}/readyz"
        if status is not None:
            threading.Thread(target=server.handle_request, daemon=True).start()
        else:
            server.server_close()
        done = subprocess.run(
            [sys.executable, str(DOCKER / "healthcheck.py")],
            env={**os.environ, "HUB_HEALTH_URL": url},
            capture_output=True,
            check=False,
        )
    assert done.returncode == code
