"""What holds for every page of the portal. A new address that is not named here fails the first test."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sharing.matching.models import Match
from sharing.notifications.models import WebhookDelivery, WebhookEndpoint, WebhookSecret
from sharing.notifications.services import create_webhook
from sharing.portal.urls import urlpatterns
from sharing.signals.models import Signal
from tests import factories
from tests.portal.conftest import Scene, SignIn

SHARED = [("md5", "0cc175b9c0f1b6a831c399e269772661")]
OPEN = {"sign-in", "sign-out"}
ONLY_POST = {
    "match-verdict", "sign-out", "identifier-evaluate", "webhook-switch", "webhook-test", "webhook-replay",
    "webhook-replay-failed",
}  # fmt: skip
# Answers scripts.
NO_PAGES = {"identifier-keys"}
PAGES = {
    "dashboard": "",
    "profile": "",
    "password": "",
    "signals": "",
    "submit": "",
    "submit-details": "",
    "signal": "signal",
    "signal-change": "signal",
    "signal-retract": "signal",
    "check": "",
    "identifier-keys": "",
    "identifier-evaluate": "",
    "matches": "",
    "match": "match",
    "match-verdict": "match",
    "webhooks": "",
    "webhook-new": "",
    "webhook": "webhook",
    "webhook-change": "webhook",
    "webhook-switch": "webhook",
    "webhook-test": "webhook",
    "webhook-rotate": "webhook",
    "webhook-delete": "webhook",
    "webhook-replay-failed": "webhook",
    "webhook-replay": "webhook delivery",
}
AUDIENCE = {"kind": "account", "harm": "human_trafficking", "tlp": "AMBER", "sharing_groups": "watch"}


@pytest.fixture
def ids(scene: Scene) -> dict[str, UUID]:
    signal = factories.submit(scene.alpha, scene.group, indicators=SHARED, match=True, summary="An advert.")
    factories.submit(scene.beta, scene.group, indicators=SHARED, match=True)
    hook = create_webhook(
        actor=factories.actor_for(scene.alpha), url="https://hooks.example.org/a", events=["match.found"]
    ).endpoint
    sent = WebhookDelivery.objects.create(
        endpoint=hook, event="match.found", object_id=1, source_id=1, state="failed", finished_at=timezone.now()
    )
    match = Match.objects.get(recipient=scene.alpha)
    return {"signal": signal.uuid, "match": match.uuid, "webhook": hook.uuid, "delivery": sent.uuid}


@pytest.fixture
def ida(scene: Scene, sign_in: SignIn) -> Client:
    """A manager of alpha: there is no page that she may not open."""
    return sign_in(factories.make_user(scene.alpha, role="manager"))


def address(name: str, ids: dict[str, UUID]) -> str:
    return reverse(f"portal:{name}", args=[ids[kind] for kind in PAGES[name].split()])


def test_every_address_is_tested_here() -> None:
    assert {pattern.name for pattern in urlpatterns} == set(PAGES) | OPEN


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_stranger_is_sent_to_sign_in_and_back_again(name: str, ids: dict[str, UUID]) -> None:
    path = address(name, ids)
    if name in ONLY_POST:
        answer = Client().post(path, {"verdict": "disputed"})
        assert answer.headers["Location"] == f"{reverse('portal:sign-in')}?next=/"
        assert Match.objects.get(uuid=ids["match"]).verdict == "unreviewed"
    else:
        answer = Client().get(path)
        assert answer.headers["Location"] == f"{reverse('portal:sign-in')}?next={path}"
    assert answer.status_code == 302


@pytest.mark.parametrize("name", sorted(set(PAGES) - ONLY_POST))
def test_a_suspended_organisation_is_out_at_its_next_request(
    name: str, ids: dict[str, UUID], scene: Scene, ida: Client
) -> None:
    assert ida.get(reverse("portal:dashboard")).status_code == 200
    scene.alpha.status = "suspended"
    scene.alpha.save()
    assert ida.get(address(name, ids)).status_code == 302


@pytest.mark.parametrize("name", sorted(name for name, kind in PAGES.items() if kind))
def test_what_an_outsider_may_not_see_looks_absent(
    name: str, ids: dict[str, UUID], scene: Scene, sign_in: SignIn
) -> None:
    outsider = sign_in(factories.make_user(scene.gamma, role="manager"))
    ask: Any = outsider.post if name in ONLY_POST else outsider.get
    hidden = ask(address(name, ids), {"verdict": "disputed"})
    absent = ask(address(name, dict.fromkeys(ids, UUID(int=0))), {"verdict": "disputed"})
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content


WRITES = ["check", "submit", "submit-details", "signal-change", "signal-retract", "webhooks", "webhook-new", "webhook"]


@pytest.mark.parametrize("name", WRITES)
def test_an_auditor_reads_only(name: str, ids: dict[str, UUID], auditor: Client) -> None:
    assert auditor.get(address(name, ids), AUDIENCE).status_code == 403


def test_an_auditor_gives_no_verdict(ids: dict[str, UUID], auditor: Client) -> None:
    page = auditor.get(address("match", ids))
    assert "Your role reads only." in page.content.decode()
    assert auditor.post(address("match-verdict", ids), {"verdict": "disputed"}).status_code == 403
    assert Match.objects.get(uuid=ids["match"]).verdict == "unreviewed"


class Outline(HTMLParser):
    """Counts what must be there once and collects what must not be there at all."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.forbidden: list[str] = []
        self.labelled: set[str] = set()
        self.fields: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if "style" in values or tag == "style" or any(name.startswith("on") for name in values):
            self.forbidden.append(self.get_starttag_text() or tag)
        if tag == "script" and not values.get("src"):
            self.forbidden.append("inline script")
        if tag == "label" and values.get("for"):
            self.labelled.add(str(values["for"]))
        if tag in ("select", "textarea") or (
            tag == "input" and values.get("type") not in ("hidden", "radio", "checkbox")
        ):
            self.fields.add(str(values.get("id")))


@pytest.mark.parametrize("name", sorted(set(PAGES) - ONLY_POST - NO_PAGES))
def test_a_page_is_well_made(name: str, ids: dict[str, UUID], ida: Client) -> None:
    answer = ida.get(address(name, ids), AUDIENCE if name.startswith("submit") else {})
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    page = re.sub(r"<template.*?</template>", "", answer.content.decode(), flags=re.DOTALL)
    outline = Outline()
    outline.feed(page)
    assert outline.tags.count("h1") == outline.tags.count("main") == 1
    assert outline.forbidden == []
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.fields <= outline.labelled
    assert 'href="#main"' in page
    assert "Times are in UTC." in page


def test_the_demo_says_that_it_is_one(ana: Client, settings: Any) -> None:
    settings.DEMO = True
    assert "Demo" in ana.get(reverse("portal:dashboard")).content.decode()


def test_only_administrators_of_the_hub_are_led_to_the_administration(ana: Client, sign_in: SignIn) -> None:
    user = factories.make_operator().user
    assert user is not None
    assert "Administration" in sign_in(user).get(reverse("portal:dashboard")).content.decode()
    assert "Administration" not in ana.get(reverse("portal:dashboard")).content.decode()


def test_reading_a_page_changes_nothing(ids: dict[str, UUID], ida: Client) -> None:
    kept = (Signal, WebhookEndpoint, WebhookSecret, WebhookDelivery)
    before = [list(model._default_manager.order_by("pk").values()) for model in kept]
    for name in set(PAGES) - ONLY_POST:
        ida.get(address(name, ids))
    assert [list(model._default_manager.order_by("pk").values()) for model in kept] == before
