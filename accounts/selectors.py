"""Reads on API keys (floor 1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

from django.contrib.auth.models import Group
from django.db import DEFAULT_DB_ALIAS, models

from accounts.models import ApiClient, ApiKey, Organisation
from hub.postgresql import prepared_cursor


class Also(NamedTuple):
    """A fact that a floor above wants with every key: its name, and an SQL expression over `organisation`."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class LiveKey:
    key: ApiKey = field(repr=False)
    # With its organisation.
    client: ApiClient
    also: dict[str, Any]


M = TypeVar("M", bound=models.Model)


def _fields(model: type[models.Model], names: str) -> list[str]:
    """These, in the model's own order, in which `from_db` takes them."""
    wanted = set(names.split())
    found = [item.attname for item in model._meta.concrete_fields if item.attname in wanted]
    assert len(found) == len(wanted)
    return found


# In the order of their columns in the answer. What nearly every request needs; the rest is deferred, as by `only()`.
_FIELDS: Final = {
    ApiKey: _fields(ApiKey, "id client_id secret_sha256 last_used_at"),
    ApiClient: _fields(ApiClient, "id uuid organisation_id name scopes allowed_networks rate_per_minute revoked_at"),
    Organisation: _fields(Organisation, "id uuid name slug kind status group_id plain_identifiers identifiers_per_day"),
}
_ALIASES: Final = {ApiKey: "key", ApiClient: "client", Organisation: "organisation"}


def _columns() -> str:
    return ", ".join(f"{_ALIASES[model]}.{name}" for model, names in _FIELDS.items() for name in names)


# ApiKeyQuerySet.live as text: every request begins with it, and the ORM takes longer to write it than PostgreSQL to
# answer.
_LIVE_KEY: Final = f"""
SELECT {_columns()}{{also}}
  FROM accounts_apikey AS key
  JOIN accounts_apiclient AS client ON client.id = key.client_id
  JOIN accounts_organisation AS organisation ON organisation.id = client.organisation_id
 WHERE key.prefix = %s AND key.revoked_at IS NULL AND client.revoked_at IS NULL
   AND (key.expires_at IS NULL OR key.expires_at > statement_timestamp())
"""  # noqa: S608 - names of columns and constants


def live_key(prefix: str, *also: Also) -> LiveKey | None:
    """The live key that begins so, with its client, the client's organisation and further facts, in one query."""
    with prepared_cursor() as cursor:
        cursor.execute(_LIVE_KEY.format(also="".join(f", {one.sql}" for one in also)), [prefix])
        row = cursor.fetchone()
    if row is None:
        return None
    rest = list(row)
    key, client = _filled(ApiKey, rest), _filled(ApiClient, rest)
    organisation = client.organisation = _filled(Organisation, rest)
    organisation.group = Group.from_db(DEFAULT_DB_ALIAS, ["id"], [organisation.group_id])
    return LiveKey(key, client, dict(zip((one.name for one in also), rest, strict=True)))


def _filled(model: type[M], rest: list[Any]) -> M:
    """An instance from the first values of `rest`, which are taken away."""
    names = _FIELDS[model]
    values, rest[: len(names)] = rest[: len(names)], []
    return model.from_db(DEFAULT_DB_ALIAS, names, values)
