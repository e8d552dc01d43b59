"""Keys of the identifier tokens (ground). They live outside the database, and in the hub's processes in memory only.

They come from one of three places: a file that only the hub can read (HUB_TOKEN_KEYS_FILE), an environment variable
(HUB_TOKEN_KEYS), or a function that asks a key management service (HUB_TOKEN_KEYS_HOOK: its dotted path, called
without arguments once in each process). The content is the same JSON for all:

    {"active": "k2", "keys": {"k1": "<64 hex digits>",
                              "k2": {"seed": "<64 hex digits>", "not_before": "2026-11-01T00:00:00Z"}}}

Each key is an epoch: the seed of a key pair, and from when to when it counts (both may be left out). New tokens are
made under the active one; one other may live beside it, so that members have time to make their tokens again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.module_loading import import_string

MOST_EPOCHS: Final = 2
ENVIRONMENT: Final = "HUB_TOKEN_KEYS"
LONGEST_ID: Final = 16
_KEY_ID: Final = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{LONGEST_ID - 1}}}")
_SEED: Final = re.compile(r"[0-9a-f]{64}")
_FORM: Final = '{"active": "k1", "keys": {"k1": "<64 hex digits>"}}'
_FIELDS: Final = {"seed", "not_before", "not_after"}


@dataclass(frozen=True, slots=True)
class Epoch:
    """One key. `seed` has 32 bytes; the moments are aware, None for no bound."""

    key_id: str
    seed: bytes = field(repr=False)
    not_before: datetime | None = None
    not_after: datetime | None = None

    def has_begun(self, now: datetime) -> bool:
        return self.not_before is None or self.not_before <= now

    def has_ended(self, now: datetime) -> bool:
        return self.not_after is not None and self.not_after <= now

    def is_live(self, now: datetime | None = None) -> bool:
        """Whether tokens of this key are taken and made."""
        now = now or timezone.now()
        return self.has_begun(now) and not self.has_ended(now)


@dataclass(frozen=True, slots=True)
class TokenKeys:
    active: str
    epochs: dict[str, Epoch] = field(repr=False)

    def live(self, key_id: str = "") -> Epoch | None:
        """The live epoch of that id, or the active one; None for an unknown id and for one that does not count now."""
        epoch = self.epochs.get(key_id or self.active)
        return epoch if epoch is not None and epoch.is_live() else None

    def published(self) -> list[Epoch]:
        """What members may know of: the active one first, and neither the ended ones."""
        now = timezone.now()
        current = [epoch for epoch in self.epochs.values() if not epoch.has_ended(now)]
        return sorted(current, key=lambda epoch: (epoch.key_id != self.active, epoch.key_id))


def token_keys() -> TokenKeys:
    """The keys of this installation. Raises ImproperlyConfigured, in one line that names the mend."""
    places = {
        "HUB_TOKEN_KEYS_FILE": settings.TOKEN_KEYS_FILE,
        # Not a setting: what shows all settings must not show it.
        ENVIRONMENT: os.environ.get(ENVIRONMENT, ""),
        "HUB_TOKEN_KEYS_HOOK": settings.TOKEN_KEYS_HOOK,
    }
    given = [name for name, value in places.items() if value]
    if not given:
        raise ImproperlyConfigured(
            f"There are no keys for identifier tokens. Set HUB_TOKEN_KEYS_FILE to a JSON file {_FORM}."
        )
    if len(given) > 1:
        raise ImproperlyConfigured(
            f"The keys for identifier tokens come from one place, but {' and '.join(given)} are set. Leave one of them."
        )
    (name,) = given
    return _read(name, places[name])


@lru_cache(maxsize=4)
def _read(place: str, value: str) -> TokenKeys:
    """Once in each process, so a rotation takes a restart; whether an epoch is live is asked each time."""
    try:
        match place:
            case "HUB_TOKEN_KEYS_FILE":
                content = json.loads(Path(value).read_text(encoding="utf-8"))
            case "HUB_TOKEN_KEYS_HOOK":
                content = _asked(value)
            case _:
                content = json.loads(value)
        active, keys = content["active"], dict(content["keys"])
        epochs = {key_id: _epoch(key_id, key) for key_id, key in keys.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        # Not the error's own text, which may quote what it could not read.
        raise _broken(place, f"can't be read ({type(error).__name__})") from None
    if active not in epochs:
        raise _broken(place, "don't hold the active key")
    return TokenKeys(active, epochs)


def _asked(path: str) -> Any:
    try:
        answer = import_string(path)()
    except Exception as error:  # the hook is the installation's own code and may raise anything
        raise _broken("HUB_TOKEN_KEYS_HOOK", f"could not be had from {path} ({type(error).__name__})") from None
    return json.loads(answer) if isinstance(answer, str | bytes) else answer


def _epoch(key_id: Any, key: Any) -> Epoch:
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise ValueError("key id")
    fields = key if isinstance(key, Mapping) else {"seed": key}
    if fields.keys() - _FIELDS or not isinstance(fields["seed"], str) or not _SEED.fullmatch(fields["seed"]):
        raise ValueError("key")
    not_before, not_after = _moment(fields.get("not_before")), _moment(fields.get("not_after"))
    if not_before is not None and not_after is not None and not_after <= not_before:
        raise ValueError("validity")
    return Epoch(key_id, bytes.fromhex(fields["seed"]), not_before, not_after)


def _moment(text: Any) -> datetime | None:
    if text is None:
        return None
    found = parse_datetime(text)
    if found is None or timezone.is_naive(found):
        raise ValueError("moment")
    return found


def _broken(place: str, what: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"The keys for identifier tokens {what}. {place} must give {_FORM}, or for a key an object with seed, "
        'not_before and not_after (such as "2026-11-01T00:00:00Z").'
    )


def problem_of(keys: TokenKeys) -> str:
    """What is wrong with keys that could be read: an active one that does not count, or too many; "" for nothing."""
    now = timezone.now()
    if not keys.epochs[keys.active].is_live(now):
        return (
            f"The active token key {keys.active} does not count at this moment. Correct its not_before or not_after, "
            "or make another key active."
        )
    current = [epoch.key_id for epoch in keys.epochs.values() if not epoch.has_ended(now)]
    if len(current) > MOST_EPOCHS:
        return (
            f"There are {len(current)} token keys that have not ended ({', '.join(sorted(current))}), and at most "
            f"{MOST_EPOCHS} may live. Give the oldest a not_after in the past, or take it out."
        )
    seeds = {epoch.seed for epoch in keys.epochs.values()}
    return "" if len(seeds) == len(keys.epochs) else "Two token keys have the same seed. Make a fresh one for each."
