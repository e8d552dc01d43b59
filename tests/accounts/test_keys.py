"""API keys: what lets a program in, and what cuts it."""

from __future__ import annotations

import concurrent.futures
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import ApiClient, ApiKey, Organisation
from accounts.services import actor_of_key, issue_key, revoke_client, revoke_key, set_status
from hub.errors import Conflict, NotPermitted
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_key_stands_for_its_client() -> None:
    client, key = factories.make_client(factories.make_organisation("alpha"), scopes=["signals:read"])
    actor = actor_of_key(key, address="203.0.113.9")
    assert actor is not None
    assert (actor.client, actor.scopes, actor.address) == (client, {"signals:read"}, "203.0.113.9")


def test_what_a_key_brings_is_what_is_stored() -> None:
    """Each value under its own name, those that are fetched later too."""
    organisation = factories.make_organisation(identifiers_per_day=7, plain_identifiers=True, country="GB")
    client, key = factories.make_client(organisation, rate_per_minute=9, allowed_networks=["192.0.2.0/24"])
    actor = actor_of_key(key, address="192.0.2.1")
    assert actor is not None and actor.client is not None and actor.organisation is not None
    for brought, stored in (
        (actor.client, ApiClient.objects.get(pk=client.pk)),
        (actor.organisation, Organisation.objects.get(pk=organisation.pk)),
        (actor.organisation.group, organisation.group),
    ):
        for field in stored._meta.concrete_fields:
            assert getattr(brought, field.attname) == getattr(stored, field.attname), field


def test_only_a_hash_of_the_secret_is_kept() -> None:
    _client, key = factories.make_client(factories.make_organisation())
    secret = key.rpartition("_")[2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, ' ') FROM accounts_apikey t")
        assert secret not in cursor.fetchone()[0]


@pytest.mark.parametrize("key", ["", "hub_", "hub_000000000000_" + "A" * 43, "Bearer", "hub_000000000000_" + "A" * 99])
def test_unknown_keys_are_nobody(key: str) -> None:
    assert actor_of_key(key, address="203.0.113.9") is None


def test_a_wrong_secret_is_nobody() -> None:
    _client, key = factories.make_client(factories.make_organisation())
    last = "A" if key[-1] != "A" else "B"
    assert actor_of_key(key[:-1] + last, address="") is None


def test_expiry_revocation_and_suspension_cut_at_once() -> None:
    operator = factories.make_operator()
    organisation = factories.make_organisation()
    client, key = factories.make_client(organisation)
    expired = issue_key(actor=operator, client=client, expires_at=timezone.now() - timedelta(seconds=1))
    assert actor_of_key(expired.text, address="") is None
    set_status(actor=operator, organisation=organisation, status=Organisation.Status.SUSPENDED, reason="Left.")
    assert actor_of_key(key, address="") is None
    set_status(actor=operator, organisation=organisation, status=Organisation.Status.ACTIVE, reason="Back.")
    assert actor_of_key(key, address="") is not None
    revoke_key(actor=operator, key=ApiKey.objects.get(prefix=key.split("_")[1]), reason="Leaked.")
    assert actor_of_key(key, address="") is None


def test_a_revoked_client_loses_all_its_keys() -> None:
    operator = factories.make_operator()
    client, first = factories.make_client(factories.make_organisation())
    second = issue_key(actor=operator, client=client).text
    revoke_client(actor=operator, client=client, reason="Contract ended.")
    assert actor_of_key(first, address="") is None
    assert actor_of_key(second, address="") is None


def test_a_key_works_from_its_networks_only() -> None:
    _client, key = factories.make_client(
        factories.make_organisation(), allowed_networks=["203.0.113.0/24", "2001:db8::/32"]
    )
    assert actor_of_key(key, address="203.0.113.77") is not None
    assert actor_of_key(key, address="2001:db8::1") is not None
    assert actor_of_key(key, address="198.51.100.1") is None
    assert actor_of_key(key, address="") is None


def test_two_keys_may_live_side_by_side_and_no_third() -> None:
    operator = factories.make_operator()
    client, _first = factories.make_client(factories.make_organisation())
    second = issue_key(actor=operator, client=client)
    with pytest.raises(Conflict):
        issue_key(actor=operator, client=client)
    revoke_key(actor=operator, key=second.key, reason="Rotated.")
    issue_key(actor=operator, client=client)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_at_once_still_make_two_keys_at_most() -> None:
    operator = factories.make_operator()
    client, _first = factories.make_client(factories.make_organisation())

    def issue(_: int) -> bool:
        try:
            issue_key(actor=operator, client=client)
        except Conflict:
            return False
        finally:
            connection.close()
        return True

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(issue, range(6))) == 1


def test_only_administrators_of_the_hub_issue_keys() -> None:
    owner = factories.make_user(role="owner", is_staff=True)
    client, _key = factories.make_client(owner.organisation)
    with pytest.raises(NotPermitted):
        issue_key(actor=factories.actor_for(owner.organisation), client=client)


def test_last_use_is_noted_once_a_minute() -> None:
    _client, key = factories.make_client(factories.make_organisation())
    actor_of_key(key, address="")
    first = ApiKey.objects.get(prefix=key.split("_")[1]).last_used_at
    actor_of_key(key, address="")
    assert first is not None
    assert ApiKey.objects.get(prefix=key.split("_")[1]).last_used_at == first
