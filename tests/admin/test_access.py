"""Who gets into the admin: administrators of the hub, and nobody else on any page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin as django_admin
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.actor import Actor, actor_of_user
from accounts.identifier_use import IdentifierAlert, IdentifierDay
from accounts.models import Organisation, User
from hub.admin.pages import HubModelAdmin
from sharing.matching.floods.models import Flood
from sharing.notifications.models import WebhookEndpoint
from tests import factories

pytestmark = pytest.mark.django_db

PAGES = (
    "accounts_organisation",
    "accounts_user",
    "accounts_apiclient",
    "sharing_sharinggroup",
    "sharing_signal",
    "sharing_rematch",
)
READ_ONLY = (
    "audit_auditentry",
    "outbox_outboxevent",
    "sharing_flood",
    "sharing_signal",
    "accounts_identifieralert",
    "accounts_identifierday",
    "sharing_webhookendpoint",
)


def addresses() -> Iterator[str]:
    """Every address of the admin, with made-up ids."""
    (resolver,) = (found for found in get_resolver().url_patterns if getattr(found, "namespace", "") == "admin")
    yield from _below(resolver)


def _below(resolver: URLPattern | URLResolver) -> Iterator[str]:
    if isinstance(resolver, URLResolver):
        for pattern in resolver.url_patterns:
            yield from _below(pattern)
        return
    if resolver.name and resolver.name != "login":
        made_up: dict[str, Any] = dict.fromkeys(resolver.pattern.regex.groupindex, 1)
        if "app_label" in made_up:
            made_up["app_label"] = "accounts"
        yield reverse(f"admin:{resolver.name}", kwargs=made_up)


def members() -> dict[str, User]:
    """People who must not get in, each almost an administrator."""
    operator = factories.make_operator().organisation
    assert operator is not None
    return {
        "platform staff": factories.make_user(is_staff=True, role="owner"),
        "platform superuser": factories.make_user(is_staff=True, is_superuser=True),
        "operator without staff": factories.make_user(operator, role="owner"),
    }


def test_there_are_addresses_to_test() -> None:
    assert len(list(addresses())) > 40


@pytest.mark.parametrize("who", ["platform staff", "platform superuser", "operator without staff"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_signed_in_members_are_refused_everywhere(client: Client, who: str, method: str) -> None:
    client.force_login(members()[who])
    for address in (*addresses(), reverse("admin:login"), "/admin/nonsense/"):
        response = getattr(client, method)(address)
        assert response.status_code == 403, address


def test_strangers_are_sent_to_the_portals_sign_in(client: Client) -> None:
    response = client.get("/admin/accounts/user/?q=x", follow=True)
    target = response.redirect_chain[-1][0]
    assert target.startswith(reverse("portal:sign-in") + "?next=/admin/accounts/user/")
    for address in addresses():
        assert client.get(address).status_code == 302, address


@pytest.mark.parametrize("cut", ["suspended", "deactivated"])
def test_an_administrator_who_is_cut_is_out_at_the_next_request(admin: Client, operator: Actor, cut: str) -> None:
    assert admin.get("/admin/").status_code == 200
    if cut == "suspended":
        Organisation.objects.filter(pk=operator.organisation_id).update(status=Organisation.Status.SUSPENDED)
    else:
        User.objects.filter(pk=operator.user_id).update(is_active=False)
    assert admin.get("/admin/").status_code == 302
    assert admin.get("/admin/audit/auditentry/").status_code == 302


def test_an_administrator_needs_no_superuser_flag(admin: Client, operator: Actor) -> None:
    assert operator.user is not None
    assert not operator.user.is_superuser
    for page in (*PAGES, *READ_ONLY):
        assert admin.get(reverse(f"admin:{page}_changelist")).status_code == 200


def test_sign_in_of_the_admin_leads_an_administrator_to_the_index(admin: Client) -> None:
    assert admin.get(reverse("admin:login")).headers["location"] == reverse("admin:index")


def test_only_the_portal_takes_a_password(client: Client, operator: Actor) -> None:
    """The portal counts failures and locks out; a second door would be a way round it."""
    assert operator.user is not None
    right = {"username": operator.user.email, "password": factories.PASSWORD}
    assert client.post(reverse("admin:login"), right).status_code == 302
    assert client.get("/admin/").status_code == 302, "still nobody"
    signed_in = client.post(reverse("portal:sign-in") + "?next=/admin/accounts/user/", right)
    assert signed_in.headers["location"] == "/admin/accounts/user/"
    assert client.get("/admin/accounts/user/").status_code == 200


def test_ones_own_password_is_changed_in_the_portal(admin: Client) -> None:
    assert admin.get(reverse("admin:password_change")).headers["location"] == reverse("portal:password")


def test_the_index_shows_the_hubs_own_pages_only(admin: Client) -> None:
    text = admin.get("/admin/").content.decode()
    assert "Intelligence-sharing hub administration" in text
    for shown in (
        "Organisations",
        "Users",
        "API clients",
        "Identifiers by day",
        "Alerts about identifiers",
        "Sharing groups",
        "Signals",
        "Floods",
        "Audit entries",
        "Work to do",
        "Re-matching",
        "Webhooks",
        "Webhook deliveries",
    ):
        assert shown in text
    registered = {model._meta.label for model in django_admin.site._registry}
    assert registered == {
        "accounts.ApiClient",
        "accounts.IdentifierAlert",
        "accounts.IdentifierDay",
        "accounts.Organisation",
        "accounts.User",
        "audit.AuditEntry",
        "outbox.OutboxEvent",
        "sharing.Flood",
        "sharing.NearThreshold",
        "sharing.Rematch",
        "sharing.SharingGroup",
        "sharing.Signal",
        "sharing.WebhookDelivery",
        "sharing.WebhookEndpoint",
    }


def test_each_page_refuses_by_itself_too(rf: RequestFactory, operator: Actor) -> None:
    """Not only the site at its door: a page that is reached in another way still shows and allows nothing."""
    organisation, group = factories.make_organisation(), factories.make_group()
    factories.give(organisation, group)
    signal = factories.submit(organisation, group)
    Flood.objects.create(centre=signal.indicators.get(), signals=1_001, witnesses=[])
    request = rf.get("/")
    for page in django_admin.site._registry.values():
        asks = ("module", "view", "add", "change", "delete")
        request.actor = actor_of_user(members()["platform superuser"])  # type: ignore[attr-defined]
        assert not any(getattr(page, f"has_{ask}_permission")(request) for ask in asks), page
        if page.model.__name__ in ("Signal", "AuditEntry", "Flood"):
            assert not page.get_queryset(request).exists()
            request.actor = operator  # type: ignore[attr-defined]
            assert page.get_queryset(request).exists()


def test_nothing_can_be_deleted_anywhere(admin: Client) -> None:
    organisation = factories.make_organisation()
    assert admin.post(f"/admin/accounts/organisation/{organisation.pk}/delete/", {"post": "yes"}).status_code == 403
    for page in django_admin.site._registry.values():
        assert isinstance(page, HubModelAdmin)
        response = admin.post(
            reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist"),
            {"action": "delete_selected", "_selected_action": organisation.pk, "post": "yes"},
        )
        assert response.status_code in (200, 302)
    assert Organisation.objects.filter(pk=organisation.pk).exists()


@pytest.mark.parametrize("page", READ_ONLY)
def test_read_only_pages_take_no_writes(admin: Client, page: str) -> None:
    organisation, group = factories.make_organisation(), factories.make_group()
    factories.give(organisation, group)
    signal = factories.submit(organisation, group)
    Flood.objects.create(centre=signal.indicators.get(), signals=1_001, witnesses=[])
    IdentifierDay.objects.create(organisation=organisation, day=timezone.localdate(), identifiers=1)
    IdentifierAlert.objects.create(
        organisation=organisation, day=timezone.localdate(), cause="share", identifiers=1, quota=1
    )
    WebhookEndpoint.objects.create(organisation=organisation, url="https://hooks.example.org/", events=["match.found"])
    model = apps.get_model(*page.split("_"))
    row = model._default_manager.order_by("pk").first()
    assert row is not None
    change = reverse(f"admin:{page}_change", args=[signal.pk if page == "sharing_signal" else row.pk])
    assert admin.get(change).status_code == 200
    assert admin.post(change, {"action": "x", "summary": "x"}).status_code == 403
    assert admin.get(reverse(f"admin:{page}_add")).status_code == 403
    assert admin.post(reverse(f"admin:{page}_add"), {}).status_code == 403


def test_djangos_own_log_stays_empty(admin: Client) -> None:
    admin.post("/admin/accounts/organisation/add/", {"name": "New", "slug": "new", "kind": "ngo", "country": ""})
    organisation = Organisation.objects.get(slug="new")
    admin.post(f"/admin/accounts/organisation/{organisation.pk}/change/", {"name": "Newer", "kind": "ngo"})
    organisation.refresh_from_db()
    assert organisation.name == "Newer"
    assert not apps.get_model("admin", "LogEntry").objects.exists()
