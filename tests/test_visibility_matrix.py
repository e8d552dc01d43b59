"""Who sees what: every endpoint and every visibility verb, for everybody in the cast.

A new endpoint or model that is not in these tables fails `test_every_address_is_in_the_matrix` or
`test_every_model_has_a_verb_or_is_reached_through_one`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import Organisation
from hub.audit.models import AuditEntry
from sharing.api.ndjson import MEDIA_TYPE
from sharing.matching.floods.models import Flood, FloodNotice
from sharing.matching.models import Match, Rematch
from sharing.matching.services import give_verdict
from sharing.matching.thresholds import NearThreshold, set_threshold
from sharing.notifications.models import WebhookDelivery, WebhookEndpoint
from sharing.signals.bulk.models import BulkUpload
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from tests import factories
from tests.cast import BULK_KEY, IN_GROUP, KNOWN, SHARED_HASH, WHO, Scene, make_scene

pytestmark = pytest.mark.django_db

NEW_SIGNAL = {
    "kind": "content",
    "harm": "other",
    "severity": "low",
    "sharing_groups": ["watch"],
    "indicators": [{"type": "md5", "value": "0" * 31 + "1"}],
}
# One of the published test vectors (RFC 9497, appendix A.1).
BLINDED = {"elements": ["863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"]}
NEW_WEBHOOK = {"url": "https://hooks.example.org/hub", "events": ["match.found"]}


class Lines(str):
    """A body of lines of JSON."""


def only(allowed: int, *who: str, others: int = 404, unknown: int = 401) -> dict[str, int]:
    """A status for each of the cast: `allowed` for those named, `others` for the rest of those who are known."""
    return {name: allowed if name in who else others if name in KNOWN else unknown for name in WHO}


# (address, method) -> (arguments, body, status for each of the cast)
API: dict[tuple[str, str], tuple[str, Any, dict[str, int]]] = {
    ("api:whoami", "GET"): ("", None, only(200, *KNOWN)),
    ("api:sharing-groups", "GET"): ("", None, only(200, *KNOWN)),
    ("api:signal-types", "GET"): ("", None, only(200, *KNOWN)),
    ("api:signals", "GET"): ("", None, only(200, *KNOWN)),
    ("api:signals", "POST"): ("", NEW_SIGNAL, only(201, "submitter", "contributor", "manager", others=400)),
    ("api:signal-batch", "POST"): (
        "",
        {"atomic": True, "signals": [NEW_SIGNAL]},
        only(200, "submitter", "contributor", "manager", others=400),
    ),
    # Read line by line, so that what nobody may share is refused in the results.
    ("api:signal-bulk", "POST"): ("", Lines(json.dumps(NEW_SIGNAL)), only(200, *KNOWN)),
    ("api:signal-bulk", "GET"): ("bulk key", Lines(), only(200, "submitter")),
    ("api:bulk", "GET"): ("bulk", None, only(200, "submitter")),
    ("api:bulk-results", "GET"): ("bulk", None, only(200, "submitter")),
    ("api:signal", "GET"): ("signal", None, only(200, *IN_GROUP)),
    ("api:signal", "PATCH"): (
        "signal",
        {"severity": "low"},
        {**only(403, "viewer", "contributor", "manager"), "submitter": 200},
    ),
    ("api:signal-retraction", "POST"): (
        "signal",
        {"reason": "A mistake."},
        {**only(403, "viewer", "contributor", "manager"), "submitter": 200},
    ),
    ("api:matches", "GET"): ("", None, only(200, *KNOWN)),
    ("api:floods", "GET"): ("", None, only(200, *KNOWN)),
    ("api:feed", "GET"): ("", None, only(200, *KNOWN)),
    ("api:match", "GET"): ("match", None, only(200, *IN_GROUP)),
    ("api:lookups", "POST"): ("", {"items": [{"type": "md5", "value": SHARED_HASH}]}, only(200, *KNOWN)),
    ("api:lookup-range", "GET"): ("range", None, only(200, *KNOWN)),
    ("api:identifier-evaluation", "POST"): ("", BLINDED, only(200, *KNOWN)),
    ("api:identifier-keys", "GET"): ("", None, only(200, *KNOWN)),
    ("api:webhooks", "GET"): ("", None, only(200, *KNOWN)),
    ("api:webhooks", "POST"): ("", NEW_WEBHOOK, only(201, *KNOWN)),
    ("api:webhook", "GET"): ("webhook", None, only(200, "viewer")),
    ("api:webhook", "PATCH"): ("webhook", {"description": "New."}, only(200, "viewer")),
    ("api:webhook", "DELETE"): ("webhook", None, only(204, "viewer")),
    ("api:webhook-secret-rotation", "POST"): ("webhook", {}, only(200, "viewer")),
    ("api:webhook-test", "POST"): ("webhook", None, only(202, "viewer")),
    ("api:webhook-replay", "POST"): ("webhook", {"since": "2026-01-01T00:00:00Z"}, only(200, "viewer")),
    ("api:webhook-deliveries", "GET"): ("webhook", None, only(200, "viewer")),
    ("api:webhook-delivery-replay", "POST"): ("delivery", None, only(202, "viewer")),
    ("api:match-verdict", "POST"): ("match", {"verdict": "disputed"}, only(200, *IN_GROUP)),
}
PUBLIC = {"api:index", "api:schema", "api:docs"}


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def arguments(scene: Scene, what: str, who: str) -> dict[str, Any]:
    if what == "signal":
        return {"uuid": scene.signal.uuid}
    if what == "match":
        match = scene.match_of(who) if who != "anonymous" else None
        return {"uuid": match.uuid if match else Match.objects.latest("pk").uuid}
    if what in ("webhook", "delivery"):
        delivery = scene.told_of_by_webhook()
        endpoint = {"uuid": delivery.endpoint.uuid}
        return endpoint if what == "webhook" else {**endpoint, "delivery": delivery.uuid}
    if what == "bulk":
        return {"uuid": scene.bulk_upload().uuid}
    if what == "bulk key":
        scene.bulk_upload()
    if what == "range":
        return {"type": "md5", "prefix": SHARED_HASH[:5]}
    return {}


def ask(client: Client, scene: Scene, who: str, method: str, address: str, body: Any) -> Any:
    headers = {"authorization": f"Bearer {scene.keys[who]}"} if who in scene.keys else {}
    if isinstance(body, Lines):
        headers["idempotency-key"] = BULK_KEY
        return client.generic(method, address, body, content_type=MEDIA_TYPE, headers=headers)
    return client.generic(
        method, address, b"" if body is None else json.dumps(body), content_type="application/json", headers=headers
    )


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("endpoint", API, ids=lambda endpoint: f"{endpoint[1]} {endpoint[0]}")
def test_api_answers_each_as_the_table_says(client: Client, scene: Scene, endpoint: tuple[str, str], who: str) -> None:
    what, body, expected = API[endpoint]
    address = reverse(endpoint[0], kwargs=arguments(scene, what, who))
    response = ask(client, scene, who, endpoint[1], address, body)
    assert response.status_code == expected[who], response.content
    if who not in IN_GROUP:
        for secret in (scene.signal.uuid, scene.other.uuid, scene.group.name, "submitter", "contributor"):
            assert str(secret) not in response.content.decode().replace("contribute", "")


@pytest.mark.parametrize("who", KNOWN)
def test_lists_hold_what_the_caller_may_see_and_nothing_else(client: Client, scene: Scene, who: str) -> None:
    def listed(name: str) -> str:
        return str(ask(client, scene, who, "GET", reverse(name), None).content.decode())

    sees = who in IN_GROUP
    assert (str(scene.signal.uuid) in listed("api:signals")) is sees
    assert (str(scene.other.uuid) in listed("api:matches")) is sees
    assert (str(scene.signal.uuid) in listed("api:floods")) is sees
    assert ("watch" in listed("api:sharing-groups")) is sees
    assert ('"own-1"' in listed("api:signals")) is (who == "submitter")


@pytest.mark.parametrize("who", KNOWN)
def test_looking_up_tells_what_the_caller_may_see_and_nothing_else(client: Client, scene: Scene, who: str) -> None:
    give_verdict(actor=scene.actors["viewer"], uuid=scene.match_of("viewer").uuid, verdict="disputed")  # type: ignore[union-attr]
    items = [{"type": "md5", "value": value} for value in (SHARED_HASH, SHARED_HASH[::-1])]
    known, absent = ask(client, scene, who, "POST", reverse("api:lookups"), {"items": items}).json()["results"]
    seen = [(row["id"], row["organisation"], row["verdicts"]["disputed"]) for row in known["signals"]]
    ours, theirs = (str(scene.signal.uuid), "submitter", 1), (str(scene.other.uuid), "contributor", 1)
    assert seen == ([theirs, ours] if who in IN_GROUP else [])
    page = ask(client, scene, who, "GET", reverse("api:lookup-range", kwargs=arguments(scene, "range", who)), None)
    suffix = {"suffix": SHARED_HASH[5:], "signals": 2, "more": False}
    assert page.json() == {"results": [suffix] if who in IN_GROUP else [], "next": None}
    if who not in IN_GROUP:
        assert {**known, "item": 1} == absent


@pytest.mark.django_db(transaction=True)  # a feed tells of what is committed
@pytest.mark.parametrize("who", KNOWN)
def test_a_feed_holds_what_the_caller_may_see_and_nothing_else(client: Client, scene: Scene, who: str) -> None:
    page = ask(client, scene, who, "GET", reverse("api:feed"), None).json()
    signals = {str(scene.signal.uuid), str(scene.other.uuid)}
    assert {entry["id"] for entry in page["entries"]} == (signals if who in IN_GROUP else set())
    assert ('"own-1"' in json.dumps(page)) is (who == "submitter")


@pytest.mark.parametrize("who", KNOWN)
def test_what_was_found_later_is_listed_for_who_sees_it(client: Client, scene: Scene, who: str) -> None:
    rematch = scene.found_later()

    def listed(query: str) -> Any:
        return ask(client, scene, who, "GET", f"{reverse('api:matches')}?{query}", None).json()["results"]

    found = listed(f"rematch={rematch.uuid}")
    assert len(found) == (1 if who in IN_GROUP else 0)
    assert found == listed("found=rematch") == listed("")
    assert listed("found=submission") == []
    assert all(row["rematch"] == {"id": str(rematch.uuid), "cause": "asked"} for row in found)
    assert listed(f"rematch={uuid4()}") == []


@pytest.mark.parametrize("who", KNOWN)
def test_hidden_and_absent_look_the_same(client: Client, scene: Scene, who: str) -> None:
    absent = ask(client, scene, who, "GET", reverse("api:signal", kwargs={"uuid": uuid4()}), None)
    assert absent.status_code == 404
    if who not in IN_GROUP:
        hidden = ask(client, scene, who, "GET", reverse("api:signal", kwargs={"uuid": scene.signal.uuid}), None)
        assert hidden.content == absent.content


def test_another_members_match_is_hidden(client: Client, scene: Scene) -> None:
    match = scene.match_of("submitter")
    assert match is not None
    for who in KNOWN:
        if who != "submitter":
            response = ask(client, scene, who, "GET", reverse("api:match", kwargs={"uuid": match.uuid}), None)
            assert response.status_code == 404


def webhooks_of(scene: Scene) -> Any:
    return WebhookEndpoint.objects.filter(pk=scene.told_of_by_webhook().endpoint_id)


def deliveries_of(scene: Scene) -> Any:
    return WebhookDelivery.objects.filter(pk=scene.told_of_by_webhook().pk)


VERBS: dict[str, tuple[Callable[[Scene, Any], Any], set[str]]] = {
    "Signal.visible_to": (
        lambda scene, actor: Signal.objects.visible_to(actor).filter(pk=scene.signal.pk),
        {*IN_GROUP},
    ),
    "Signal.overseen_by": (lambda scene, actor: Signal.objects.overseen_by(actor), {"operator"}),
    "Match.visible_to": (lambda scene, actor: Match.objects.visible_to(actor), {*IN_GROUP}),
    "Flood.overseen_by": (lambda scene, actor: Flood.objects.overseen_by(actor), {"operator"}),
    "FloodNotice.visible_to": (lambda scene, actor: FloodNotice.objects.visible_to(actor), {*IN_GROUP}),
    "NearThreshold.visible_to": (lambda scene, actor: NearThreshold.objects.visible_to(actor), {"operator"}),
    "Rematch.visible_to": (
        lambda scene, actor: Rematch.objects.visible_to(actor).filter(pk=scene.found_later().pk),
        {*IN_GROUP},
    ),
    "Rematch.overseen_by": (
        lambda scene, actor: Rematch.objects.overseen_by(actor).filter(pk=scene.found_later().pk),
        {"operator"},
    ),
    "BulkUpload.visible_to": (
        lambda scene, actor: BulkUpload.objects.visible_to(actor).filter(pk=scene.bulk_upload().pk),
        {"submitter"},
    ),
    "WebhookEndpoint.visible_to": (lambda scene, actor: webhooks_of(scene).visible_to(actor), {"viewer"}),
    "WebhookEndpoint.overseen_by": (lambda scene, actor: webhooks_of(scene).overseen_by(actor), {"operator"}),
    "WebhookDelivery.visible_to": (lambda scene, actor: deliveries_of(scene).visible_to(actor), {"viewer"}),
    "WebhookDelivery.overseen_by": (lambda scene, actor: deliveries_of(scene).overseen_by(actor), {"operator"}),
    "SharingGroup.visible_to": (lambda scene, actor: SharingGroup.objects.visible_to(actor), {*IN_GROUP}),
    "AuditEntry.visible_to": (
        lambda scene, actor: AuditEntry.objects.visible_to(actor).filter(action="signals.submitted"),
        {"operator", "submitter", "contributor"},
    ),
}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("verb", VERBS)
def test_verbs(scene: Scene, verb: str, who: str) -> None:
    set_threshold(actor=scene.actors["operator"], signal_type="pdq", threshold=20, reason="Too many false ones.")
    rows, seeing = VERBS[verb]
    found = rows(scene, scene.actors[who])
    assert found.exists() is (who in seeing)
    assert found.count() == len(list(found))


def test_suspension_and_grants_count_at_the_next_request(client: Client, scene: Scene) -> None:
    address = reverse("api:signal", kwargs={"uuid": scene.signal.uuid})
    assert ask(client, scene, "viewer", "GET", address, None).status_code == 200
    Organisation.objects.filter(slug="viewer").update(status=Organisation.Status.SUSPENDED)
    assert ask(client, scene, "viewer", "GET", address, None).status_code == 401
    scene.group.grants.filter(group__organisation__slug="manager").delete()
    assert ask(client, scene, "manager", "GET", address, None).status_code == 404


def test_red_reaches_named_organisations_only(scene: Scene) -> None:
    named, manager = (Organisation.objects.get(slug=slug) for slug in ("outsider", "manager"))
    red = factories.submit(Organisation.objects.get(slug="submitter"), tlp="RED", named_organisations=("outsider",))
    assert Signal.objects.visible_to(factories.actor_for(named)).filter(pk=red.pk).exists()
    assert not Signal.objects.visible_to(factories.actor_for(manager)).filter(pk=red.pk).exists()


# Reached only through a signal, a group or a notice that is visible.
INNER = {
    "AccessSpan",
    "AccountDetail",
    "BulkChunk",
    "Flood",
    "FloodSignal",
    "Indicator",
    "PastAudience",
    "Share",
    "SharingGroupGrant",
    "SignalGrant",
    "SignalIndicator",
    "VideoFrame",
    "WebhookSecret",
    "WebhookTurn",
}


def test_every_model_has_a_verb_or_is_reached_through_one() -> None:
    for model in apps.get_app_config("sharing").get_models():
        assert hasattr(model.objects, "visible_to") or model.__name__ in INNER, model  # type: ignore[attr-defined]


def addresses(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, pattern.namespace or namespace)
        else:
            yield f"{namespace}:{pattern.name}", pattern


def test_every_address_is_in_the_matrix() -> None:
    covered = {name for name, _method in API} | PUBLIC
    for name, pattern in addresses(get_resolver().url_patterns):
        if name.startswith("api:") and name not in PUBLIC:
            view = pattern.callback.view_class  # type: ignore[attr-defined]
            assert {(name, method) for method in view.scopes} <= set(API), name
            assert view.scopes, name
        elif not name.startswith(("admin:", "portal:")):
            assert name in covered, name
