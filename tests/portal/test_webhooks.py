"""Webhooks in the portal: set up, watched and mended without the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from hub.audit.models import AuditEntry
from sharing.notifications.models import CHOSEN, WebhookDelivery, WebhookEndpoint, WebhookSecret
from sharing.notifications.services import MOST_ENDPOINTS, create_webhook, oversee_webhook
from tests import factories
from tests.notifications.receiver import Receiver, a_receiver
from tests.notifications.working import work
from tests.portal.conftest import Scene, SignIn

URL = "https://hooks.example.org/hub?key=of-our-own"
FORM = {"url": URL, "events": ["match.found", "signal.retracted"], "description": "Ours"}
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


@pytest.fixture
def ida(scene: Scene, sign_in: SignIn) -> Client:
    return sign_in(factories.make_user(scene.alpha, role="manager"))


@pytest.fixture
def hook(scene: Scene) -> WebhookEndpoint:
    return create_webhook(actor=factories.actor_for(scene.alpha), url=URL, events=CHOSEN).endpoint


def page(client: Client, name: str, *args: Any) -> str:
    answer = client.get(reverse(f"portal:{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, name: str, *args: Any, **form: Any) -> str:
    """Presses a button, and follows to the page that it leads to."""
    answer = client.post(reverse(f"portal:{name}", args=args), form, follow=True)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def delivery(hook: WebhookEndpoint, **fields: Any) -> WebhookDelivery:
    ended = fields.get("state", "failed") != "waiting"
    return WebhookDelivery.objects.create(**{
        "endpoint": hook, "event": "match.found", "object_id": 1, "source_id": uuid4().int % 2**40, "state": "failed",
        "finished_at": timezone.now() if ended else None, **fields,
    })  # fmt: skip


def test_without_any_the_page_says_what_they_are_for(ida: Client) -> None:
    shown = page(ida, "webhooks")
    assert "No webhooks yet" in shown
    assert reverse("portal:webhook-new") in shown


def test_a_new_one_shows_its_secret_once_and_nowhere_else(ida: Client) -> None:
    answer = ida.post(reverse("portal:webhook-new"), FORM)
    (secret,) = SECRET.findall(answer.content.decode())
    hook = WebhookEndpoint.objects.get()
    assert (hook.url, hook.events, hook.description) == (URL, FORM["events"], "Ours")
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret not in str(list(WebhookSecret.objects.values()))
    for other in (page(ida, "webhooks"), page(ida, "webhook", hook.uuid), page(ida, "webhook-rotate", hook.uuid)):
        assert "whsec_" not in other
    entry = AuditEntry.objects.get(action="webhook.created")
    assert (entry.object_id, "of-our-own" in str(entry.detail)) == (str(hook.uuid), False)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": "http://hooks.example.org/"}, "Only https is called. Serve the endpoint over https."),
        ({"url": "https://user:pass@hooks.example.org/"}, "The address holds a name or a password."),
        ({"url": ""}, "This field is required."),
        ({"events": []}, "Choose at least one."),
        ({"events": ["webhook.test"]}, "Choose one of the list."),
        ({"description": "ask ana.lopez@example.org"}, "e-mail address"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_stored(
    ida: Client, wrong: dict[str, Any], told: str
) -> None:
    answer = ida.post(reverse("portal:webhook-new"), FORM | wrong)
    shown = answer.content.decode()
    (name,) = wrong
    assert told in shown
    assert f'<a href="#id_{name}' in shown
    assert "lopez" not in shown
    assert not WebhookEndpoint.objects.exists()


def test_no_more_than_the_most(ida: Client, scene: Scene) -> None:
    for number in range(MOST_ENDPOINTS):
        create_webhook(actor=factories.actor_for(scene.alpha), url=f"{URL}{number}", events=CHOSEN)
    shown = page(ida, "webhooks")
    assert "which is the most" in shown
    assert reverse("portal:webhook-new") not in shown
    assert "Delete one first." in ida.post(reverse("portal:webhook-new"), FORM).content.decode()


def test_the_list_tells_state_newest_delivery_and_failures(ida: Client, hook: WebhookEndpoint, scene: Scene) -> None:
    delivery(hook, state="delivered")
    delivery(hook)
    WebhookEndpoint.objects.update(failures=3, failing_since=timezone.now())
    theirs = create_webhook(actor=factories.actor_for(scene.beta), url="https://beta.example.org/", events=CHOSEN)
    shown = page(ida, "webhooks")
    assert "Failing" in shown
    assert ">Failed<" in shown
    assert "Delivered" not in shown
    assert re.search(r"Failures in a row.*?>\s*3<", shown, re.DOTALL)
    assert "of-our-own" not in shown
    assert theirs.endpoint.host not in shown


def test_a_list_of_ten_asks_as_much_as_a_list_of_one(
    ida: Client, hook: WebhookEndpoint, scene: Scene, django_assert_max_num_queries: Any
) -> None:
    for number in range(MOST_ENDPOINTS - 1):
        delivery(create_webhook(actor=factories.actor_for(scene.alpha), url=f"{URL}{number}", events=CHOSEN).endpoint)
    # Session, person, endpoints, their secrets, the newest of each, these deliveries.
    with django_assert_max_num_queries(6):
        page(ida, "webhooks")


def test_one_shows_its_deliveries_with_attempts_and_the_next_try(ida: Client, hook: WebhookEndpoint) -> None:
    waiting = delivery(hook, state="waiting", attempts=2, last_error="status", last_status=503)
    dropped = delivery(hook, state="dropped")
    shown = page(ida, "webhook", hook.uuid)
    assert "of-our-own" in shown  # to its owner
    assert "The answer was not a success (2xx) (503)" in shown
    assert "Dropped: no longer visible to the organisation" in shown
    assert reverse("portal:webhook-replay", args=[hook.uuid, dropped.uuid]) in shown
    assert reverse("portal:webhook-replay", args=[hook.uuid, waiting.uuid]) not in shown


def test_many_deliveries_come_in_pages(ida: Client, hook: WebhookEndpoint) -> None:
    for number in range(30):
        delivery(hook, attempts=number)
    shown = page(ida, "webhook", hook.uuid)
    (older,) = re.findall(r'href="(\?before=[^"]+)"', shown)
    rest = ida.get(reverse("portal:webhook", args=[hook.uuid]) + older).content.decode()
    assert (shown.count("Send again<"), rest.count("Send again<")) == (25 + 1, 5 + 1)  # and the heading of the column


def test_all_that_failed_is_sent_again(ida: Client, hook: WebhookEndpoint) -> None:
    delivery(hook, state="delivered")
    assert reverse("portal:webhook-replay-failed", args=[hook.uuid]) not in page(ida, "webhook", hook.uuid)
    for _ in range(3):
        delivery(hook, attempts=10)
    assert reverse("portal:webhook-replay-failed", args=[hook.uuid]) in page(ida, "webhook", hook.uuid)
    assert "3 deliveries are sent again." in press(ida, "webhook-replay-failed", hook.uuid)
    assert WebhookDelivery.objects.filter(state="waiting", attempts=0).count() == 3


def test_switched_off_and_on_again(ida: Client, hook: WebhookEndpoint) -> None:
    waiting = delivery(hook, state="waiting")
    shown = press(ida, "webhook-switch", hook.uuid, enabled="off")
    assert "The webhook is switched off." in shown
    assert reverse("portal:webhook-replay", args=[hook.uuid, waiting.uuid]) not in shown
    assert reverse("portal:webhook-test", args=[hook.uuid]) not in shown
    assert "Switch it on first." in press(ida, "webhook-replay", hook.uuid, waiting.uuid)
    hook.refresh_from_db()
    assert (hook.state, hook.cause) == ("disabled", "member")
    press(ida, "webhook-switch", hook.uuid, enabled="on")
    hook.refresh_from_db()
    assert hook.is_enabled


def test_what_an_administrator_switched_off_stays_off(ida: Client, hook: WebhookEndpoint) -> None:
    oversee_webhook(actor=factories.make_operator(), uuid=hook.uuid, enabled=False, reason="It floods them.")
    shown = page(ida, "webhook", hook.uuid)
    assert "Ask them to switch it on." in shown
    assert 'value="on"' not in shown
    answer = ida.post(reverse("portal:webhook-switch", args=[hook.uuid]), {"enabled": "on"})
    assert (answer.status_code, "Ask them to switch it on." in answer.content.decode()) == (409, True)


@pytest.mark.parametrize(("hours", "live"), [("24", 2), ("0", 1)])
def test_a_new_secret_is_shown_once(ida: Client, hook: WebhookEndpoint, hours: str, live: int) -> None:
    shown = press(ida, "webhook-rotate", hook.uuid, overlap_hours=hours)
    assert len(SECRET.findall(shown)) == 1
    assert ("The secret before signs beside it until" in shown) is (live == 2)
    assert "whsec_" not in page(ida, "webhook", hook.uuid)
    assert ("Secret before" in page(ida, "webhook", hook.uuid)) is (live == 2)


def test_changing_one_field_leaves_the_others(ida: Client, hook: WebhookEndpoint) -> None:
    WebhookEndpoint.objects.update(failures=3, failing_since=timezone.now())
    press(ida, "webhook-change", hook.uuid, url=URL, events=list(CHOSEN), description="The night shift's")
    hook.refresh_from_db()
    assert (hook.description, hook.failures) == ("The night shift's", 3)
    press(ida, "webhook-change", hook.uuid, url=f"{URL}2", events=["match.found"], description="")
    hook.refresh_from_db()
    assert (hook.url, hook.events, hook.failures) == (f"{URL}2", ["match.found"], 0)


def test_deleting_asks_first(ida: Client, hook: WebhookEndpoint) -> None:
    assert "can&#x27;t be undone" in page(ida, "webhook-delete", hook.uuid)
    press(ida, "webhook-delete", hook.uuid)
    assert WebhookEndpoint.objects.exists()
    assert "The webhook was deleted." in press(ida, "webhook-delete", hook.uuid, sure="on")
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize("role", ["analyst", "auditor"])
def test_other_roles_neither_see_nor_touch_them(
    role: str, scene: Scene, hook: WebhookEndpoint, sign_in: SignIn
) -> None:
    client, sent = sign_in(factories.make_user(scene.alpha, role=role)), delivery(hook)
    assert reverse("portal:webhooks") not in page(client, "dashboard")
    one = ("webhook", "webhook-change", "webhook-rotate", "webhook-delete")
    for name, args in [("webhooks", []), ("webhook-new", []), *((name, [hook.uuid]) for name in one)]:
        assert client.get(reverse(f"portal:{name}", args=args)).status_code == 403, name
    for name, args, form in [
        ("webhook-new", [], FORM), ("webhook-change", [hook.uuid], FORM),
        ("webhook-switch", [hook.uuid], {"enabled": "off"}), ("webhook-test", [hook.uuid], {}),
        ("webhook-rotate", [hook.uuid], {"overlap_hours": "0"}), ("webhook-delete", [hook.uuid], {"sure": "on"}),
        ("webhook-replay", [hook.uuid, sent.uuid], {}), ("webhook-replay-failed", [hook.uuid], {}),
    ]:  # fmt: skip
        assert client.post(reverse(f"portal:{name}", args=args), form).status_code == 403, name
    hook.refresh_from_db()
    assert (hook.is_enabled, hook.url) == (True, URL)


def test_a_delivery_of_another_webhook_is_absent(ida: Client, hook: WebhookEndpoint, scene: Scene) -> None:
    other = create_webhook(actor=factories.actor_for(scene.beta), url=URL, events=CHOSEN).endpoint
    theirs = delivery(other)
    answer = ida.post(reverse("portal:webhook-replay", args=[hook.uuid, theirs.uuid]))
    assert answer.status_code == 404
    theirs.refresh_from_db()
    assert theirs.state == "failed"


@pytest.fixture
def receiver(settings: LazySettings) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with a_receiver() as running:
        yield running


@pytest.mark.django_db(transaction=True)
def test_from_the_first_page_to_a_message_that_is_sent_again(ida: Client, receiver: Receiver) -> None:
    assert SECRET.search(press(ida, "webhook-new", url=receiver.url, events=["match.found"]))
    hook = WebhookEndpoint.objects.get()
    assert "A test is sent" in press(ida, "webhook-test", hook.uuid)
    work()
    assert "Delivered" in page(ida, "webhook", hook.uuid)
    sent = WebhookDelivery.objects.get()
    assert "It is sent again" in press(ida, "webhook-replay", hook.uuid, sent.uuid)
    work()
    assert len(receiver.received) == 2
