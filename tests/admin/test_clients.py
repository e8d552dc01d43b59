"""API clients and keys in the admin."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.serializers import serialize
from django.test import Client
from django.utils import timezone

from accounts.models import ApiClient, ApiKey, Scope
from accounts.services import actor_of_key
from hub.audit.models import AuditEntry
from tests import factories

pytestmark = pytest.mark.django_db

CLIENTS = "/admin/accounts/apiclient/"


@pytest.fixture
def api_client(db: None) -> ApiClient:
    return ApiClient.objects.create(organisation=factories.make_organisation("alpha"), name="Moderation")


def issue(admin: Client, api_client: ApiClient, **fields: str) -> str:
    """Issue a key by the page and give the text that it shows."""
    page = send(admin, api_client, **fields).content.decode()
    shown = re.findall(r"hub_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", page)
    assert len(shown) == 1, page
    assert "shown once" in page
    return str(shown[0])


def send(admin: Client, api_client: ApiClient, **fields: str) -> Any:
    """The form, filled in as a browser would with what the page holds."""
    address = f"{CLIENTS}{api_client.pk}/issue/"
    held = re.findall(r'name="newest" value="(\d+)"', admin.get(address).content.decode())
    return admin.post(address, {"newest": held[0] if held else "", **fields})


def test_a_key_is_shown_once_and_only_its_hash_is_kept(admin: Client, api_client: ApiClient) -> None:
    text = issue(admin, api_client)
    _hub, prefix, secret = text.split("_", 2)
    key = ApiKey.objects.get(prefix=prefix)
    assert bytes(key.secret_sha256) == hashlib.sha256(secret.encode()).digest()
    assert actor_of_key(text, address="") is not None

    later = admin.get(f"{CLIENTS}{api_client.pk}/change/").content.decode()
    assert f"hub_{prefix}_…" in later
    assert secret not in later
    assert secret not in admin.get(CLIENTS).content.decode()
    stored = serialize("json", [*ApiKey.objects.all(), *ApiClient.objects.all(), *AuditEntry.objects.all()])
    assert secret not in stored
    for entry in AuditEntry.objects.all():
        assert secret not in str(entry.detail)
    assert secret not in str(dict(admin.session))


def test_the_page_with_the_key_is_kept_in_no_cache(admin: Client, api_client: ApiClient) -> None:
    response = send(admin, api_client)
    assert "shown once" in response.content.decode()
    assert "no-store" in response.headers["cache-control"]


def test_the_page_with_the_key_loaded_again_shows_and_issues_nothing(admin: Client, api_client: ApiClient) -> None:
    text = issue(admin, api_client)
    again = admin.post(f"{CLIENTS}{api_client.pk}/issue/", {"newest": "0"}, follow=True).content.decode()
    assert "A key is shown once." in again
    assert text not in again
    assert api_client.keys.count() == 1


def test_the_key_is_not_in_the_session(admin: Client, api_client: ApiClient) -> None:
    secret = issue(admin, api_client).split("_", 2)[2]
    for session in Session.objects.all():
        assert secret not in str(session.get_decoded())


def test_a_third_live_key_is_refused_in_plain_words(admin: Client, api_client: ApiClient) -> None:
    issue(admin, api_client)
    issue(admin, api_client)
    newest = str(api_client.keys.latest("pk").pk)
    page = admin.post(f"{CLIENTS}{api_client.pk}/issue/", {"newest": newest}).content.decode()
    assert "This client has two live keys. Revoke one of them first." in page
    assert "This client has two live keys." in admin.get(f"{CLIENTS}{api_client.pk}/issue/").content.decode()
    assert "expires_on" not in page, "there is no form to fill in"
    assert api_client.keys.count() == 2


def test_a_key_ends_at_the_end_of_its_last_day(admin: Client, api_client: ApiClient) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    refused = send(admin, api_client, expires_on=yesterday.isoformat())
    assert "This day is over" in refused.content.decode()
    for too_far in ("9999-12-31", (timezone.localdate() + timedelta(days=3_651)).isoformat()):
        refused = send(admin, api_client, expires_on=too_far)
        assert "Choose a day within ten years" in refused.content.decode()
    issue(admin, api_client, expires_on=timezone.localdate().isoformat())
    key = api_client.keys.get()
    assert key.expires_at is not None
    assert key.is_live
    assert timezone.localtime(key.expires_at).date() == timezone.localdate() + timedelta(days=1)


def test_a_key_is_revoked_with_a_reason(admin: Client, api_client: ApiClient) -> None:
    text = issue(admin, api_client)
    key = api_client.keys.get()
    address = f"{CLIENTS}{api_client.pk}/keys/{key.pk}/revoke/"
    assert "hub_" in admin.get(address).content.decode()
    admin.post(address, {"confirm": "yes", "reason": ""})
    assert actor_of_key(text, address="") is not None
    admin.post(address, {"confirm": "yes", "reason": "Posted in a chat."})
    assert actor_of_key(text, address="") is None
    assert AuditEntry.objects.get(action="api_key.revoked").reason == "Posted in a chat."
    assert admin.get(address).status_code == 404, "it is revoked already"


def test_a_key_is_not_reached_through_another_client(admin: Client, api_client: ApiClient) -> None:
    issue(admin, api_client)
    other, _text = factories.make_client(factories.make_organisation())
    assert admin.get(f"{CLIENTS}{other.pk}/keys/{api_client.keys.get().pk}/revoke/").status_code == 404


def test_a_revoked_client_is_cut_for_good_and_can_only_be_read(admin: Client, api_client: ApiClient) -> None:
    text = issue(admin, api_client)
    admin.post(f"{CLIENTS}{api_client.pk}/revoke/", {"confirm": "yes", "reason": "The program was retired."})
    assert actor_of_key(text, address="") is None
    page = admin.get(f"{CLIENTS}{api_client.pk}/change/").content.decode()
    assert "cut with its client" in page and "Issue a key" not in page
    assert admin.post(f"{CLIENTS}{api_client.pk}/change/", {"name": "Back"}).status_code == 403
    again = send(admin, api_client).content.decode()
    assert "This client was revoked" in again
    assert api_client.keys.count() == 1


def test_a_client_is_added_and_changed_with_an_audit_entry(admin: Client) -> None:
    organisation = factories.make_organisation()
    added = {"organisation": organisation.pk, "name": "Sync", "scopes": ["signals:read"], "allowed_networks": ""}
    assert admin.post(CLIENTS + "add/", added).status_code == 302
    client = ApiClient.objects.get(name="Sync")
    assert (client.scopes, client.allowed_networks) == (["signals:read"], [])
    assert AuditEntry.objects.get(action="api_client.created").object_id == str(client.uuid)

    change = f"{CLIENTS}{client.pk}/change/"
    bad = admin.post(change, {"name": "Sync", "scopes": ["signals:read"], "allowed_networks": "nonsense"})
    assert "Not a network: nonsense." in bad.content.decode()
    good = {"name": "Sync", "scopes": ["signals:read", "matches:read"], "allowed_networks": "203.0.113.0/24"}
    admin.post(change, good)
    client.refresh_from_db()
    assert (client.scopes, client.allowed_networks) == (["signals:read", "matches:read"], ["203.0.113.0/24"])
    assert AuditEntry.objects.get(action="api_client.updated").detail == {"fields": ["allowed_networks", "scopes"]}


@pytest.mark.parametrize("state", ["live", "keyless", "revoked"])
def test_clients_are_filtered_by_state(admin: Client, api_client: ApiClient, state: str) -> None:
    if state != "keyless":
        issue(admin, api_client)
    if state == "revoked":
        admin.post(f"{CLIENTS}{api_client.pk}/revoke/", {"confirm": "yes", "reason": "Retired."})
    for asked in ("live", "keyless", "revoked"):
        shown = admin.get(CLIENTS, {"state": asked}).content.decode()
        assert (f"{CLIENTS}{api_client.pk}/change/" in shown) is (asked == state)


def test_the_list_tells_the_state_of_the_keys(admin: Client, api_client: ApiClient) -> None:
    issue(admin, api_client)
    issue(admin, api_client)
    page = admin.get(CLIENTS + f"?q={api_client.keys.first().prefix}")  # type: ignore[union-attr]
    assert '<td class="field-live_keys">2</td>' in page.content.decode()
    assert "never" in page.content.decode()


def test_a_new_client_may_do_nothing_until_somebody_ticks_it(admin: Client) -> None:
    page = admin.get(CLIENTS + "add/").content.decode()
    assert page.count('name="scopes"') == len(Scope.values)
    assert "checked" not in page
    added = {"organisation": factories.make_organisation().pk, "name": "Sync", "allowed_networks": ""}
    assert "Tick at least one." in admin.post(CLIENTS + "add/", added).content.decode()
    assert not ApiClient.objects.exists()
