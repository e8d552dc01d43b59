"""Start-up checks (roof): a hub that would leak, lose work or answer wrongly refuses to start, and says why."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from hub.keys import encryption_keys, token_keys

# The stand-in of hub/settings.py is shorter.
MIN_SECRET_LENGTH = 40


@register
def secrets_are_real(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if len(settings.SECRET_KEY) < MIN_SECRET_LENGTH and not settings.DEMO:
        hint = (
            "Set HUB_SECRET_KEY to at least 40 random characters, for example from: "
            "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
        found.append(Error("The secret key is missing or too short.", hint=hint, id="hub.E001"))
    for keys in (token_keys, encryption_keys):
        try:
            keys()
        except ImproperlyConfigured as error:
            found.append(Error(str(error), id="hub.E002"))
    return found


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
def webhook_networks_are_networks(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    try:
        for network in settings.WEBHOOK_ALLOWED_NETWORKS:
            ip_network(network)
    except ValueError:
        hint = "Set HUB_WEBHOOK_ALLOWED_NETWORKS to networks such as 10.20.0.0/16, with commas between, or to nothing."
        return [Error("A network that webhooks may call is none.", hint=hint, id="hub.E005")]
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
