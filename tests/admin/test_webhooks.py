"""Webhooks in the admin and, where one was switched off, on the portal's dashboard."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation
from hub.audit.models import AuditEntry
from sharing.notifications.models import WebhookDelivery, WebhookEndpoint
from sharing.notifications.services import create_webhook
from tests import factories

pytestmark = pytest.mark.django_db
PAGES = "/admin/sharing/webhookendpoint/"


@pytest.fixture
def endpoint(db: None) -> WebhookEndpoint:
    organisation = factories.make_organisation("alpha")
    url = "https://hooks.example.org/hub?key=4711abc"
    made = create_webhook(actor=factories.actor_for(organisation), url=url, events=["match.found"])
    WebhookDelivery.objects.create(endpoint=made.endpoint, event="match.found", object_id=1, source_id=1)
    return made.endpoint


def test_the_pages_show_the_host_and_never_the_rest_of_the_address(admin: Client, endpoint: WebhookEndpoint) -> None:
    deliveries = f"/admin/sharing/webhookdelivery/?endpoint__id__exact={endpoint.pk}"
    delivery = WebhookDelivery.objects.get()
    for address in (
        PAGES,
        f"{PAGES}{endpoint.pk}/change/",
        deliveries,
        f"/admin/sharing/webhookdelivery/{delivery.pk}/change/",
    ):
        page = admin.get(address).content.decode()
        assert "hooks.example.org" in page, address
        for secret in ("4711abc", "/hub?", endpoint.secrets.get().encrypted):
            assert secret not in page, address


def test_an_administrator_switches_it_off_and_on_with_a_reason(admin: Client, endpoint: WebhookEndpoint) -> None:
    for step, state, cause in (("switch-off", "disabled", "operator"), ("switch-on", "enabled", "")):
        answer = admin.post(f"{PAGES}{endpoint.pk}/{step}/", {"confirm": "1", "reason": "It floods somebody."})
        assert answer.status_code == 302
        endpoint.refresh_from_db()
        assert (endpoint.state, endpoint.cause) == (state, cause)
    assert WebhookDelivery.objects.get().last_error == "disabled"
    actions = AuditEntry.objects.filter(object_type="webhook", reason="It floods somebody.").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["webhook.disabled", "webhook.enabled"]


@pytest.mark.parametrize(("role", "told"), [("owner", True), ("manager", True), ("analyst", False)])
def test_the_dashboard_tells_who_runs_the_organisation(
    client: Client, endpoint: WebhookEndpoint, role: str, told: bool
) -> None:
    WebhookEndpoint.objects.update(
        state="disabled", cause="failing", disabled_at=timezone.now() - timedelta(hours=1), description="Case tool"
    )
    alpha = Organisation.objects.get(slug="alpha")
    for organisation, expected in ((alpha, told), (factories.make_organisation(), False)):
        client.force_login(factories.make_user(organisation, role=role))
        page = client.get("/").content.decode()
        assert ("Nothing was accepted for three days" in page) is expected
        assert ("hooks.example.org" in page) is expected
        assert "4711abc" not in page


def test_what_the_member_switched_off_is_no_notice(client: Client, endpoint: WebhookEndpoint) -> None:
    WebhookEndpoint.objects.update(state="disabled", cause="member", disabled_at=timezone.now())
    client.force_login(factories.make_user(Organisation.objects.get(slug="alpha"), role="owner"))
    assert "hooks.example.org" not in client.get("/").content.decode()
