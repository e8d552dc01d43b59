"""Start-up checks (roof): a hub that would leak, lose work or answer wrongly refuses to start, and says why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.module_loading import import_string

from hub.encryption import encryption_keys
from hub.keys import problem_of, token_keys

# The stand-in of hub/settings.py is shorter.
MIN_SECRET_LENGTH = 40
TIME_TO_ROTATE = timedelta(days=30)


@register
def secrets_are_real(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if len(settings.SECRET_KEY) < MIN_SECRET_LENGTH and not settings.DEMO:
        hint = (
            "Set HUB_SECRET_KEY to at least 40 random characters, for example from: "
            "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
        found.append(Error("The secret key is missing or too short.", hint=hint, id="hub.E001"))
    try:
        problem = problem_of(token_keys())
    except ImproperlyConfigured as error:
        problem = str(error)
    if problem:
        found.append(Error(problem, id="hub.E002"))
    try:
        encryption_keys()
    except ImproperlyConfigured as error:
        found.append(Error(str(error), id="hub.E007"))
    return found


@register
def active_token_key_lasts(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """A rotation takes members weeks; a key that ends without one stops all evaluation."""
    try:
        active = token_keys().live()
    except ImproperlyConfigured:
        return []  # told above
    if active is None or not active.has_ended(timezone.now() + TIME_TO_ROTATE):
        return []
    hint = "Make another key active, and leave this one beside it: see docs/operations.md, Rotate the token keys."
    return [Warning(f"The active token key {active.key_id} ends within 30 days.", hint=hint, id="hub.W002")]


@register
def outbox_routes_resolve(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [
        Error(f"The outbox topic {topic!r} leads to {path!r}, which is no Celery task.", id="hub.E003")
        for topic, path in settings.OUTBOX_ROUTES.items()
        if not _is_task(path)
    ]


def _is_task(path: str) -> bool:
    try:
        return bool(import_string(path).name == path)
    except (ImportError, AttributeError):
        return False


@register
def flood_limit_is_a_limit(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    if settings.MATCH_FLOOD_LIMIT >= 1:
        return []
    hint = "Set HUB_MATCH_FLOOD_LIMIT to a whole number from 1 on, or leave it out: 1000 is the default."
    return [Error("With a flood limit below 1 every signal would make a flood of its own.", hint=hint, id="hub.E004")]


@register
def identifiers_are_limited(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.IDENTIFIERS_PER_DAY < 1:
        hint = "Set HUB_IDENTIFIERS_PER_DAY to a whole number from 1 on, or leave it out: 100000 is the default."
        found.append(Error("With a quota below 1 no identifier could be evaluated.", hint=hint, id="hub.E005"))
    if not 0 < settings.IDENTIFIERS_ALERT_SHARE <= 1 or settings.IDENTIFIERS_ALERT_TIMES_USUAL <= 1:
        hint = "HUB_IDENTIFIERS_ALERT_SHARE lies above 0 and up to 1, HUB_IDENTIFIERS_ALERT_TIMES_USUAL above 1."
        found.append(Error("Operators would be alerted always or never.", hint=hint, id="hub.E006"))
    return found


@register
def webhook_networks_are_networks(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    try:
        for network in settings.WEBHOOK_ALLOWED_NETWORKS:
            ip_network(network)
    except ValueError:
        hint = "Set HUB_WEBHOOK_ALLOWED_NETWORKS to networks such as 10.20.0.0/16, with commas between, or to nothing."
        return [Error("A network that webhooks may call is none.", hint=hint, id="hub.E008")]
    return []


@register(deploy=True)
def throttle_is_shared(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    if "locmem" not in settings.CACHES["default"]["BACKEND"]:
        return []
    hint = "Set CACHE_URL to Redis, or run one web process (threads share the count)."
    return [Warning("Request limits are counted per web process.", hint=hint, id="hub.W001")]


def refuse_to_start_broken() -> None:
    """For the doors that do not run Django's checks themselves (WSGI, Celery). Raises ImproperlyConfigured."""
    errors = [message for message in run_checks() if message.is_serious()]
    if errors:
        raise ImproperlyConfigured("\n".join(str(error) for error in errors))
