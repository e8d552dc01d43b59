"""Webhooks over the API: for their organisation, with their own scope, and with errors that name the field."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation, Scope
from hub.audit.models import AuditEntry
from sharing.matching.models import Match, Rematch
from sharing.notifications.contents import contents
from sharing.notifications.models import CHOSEN, EventType, WebhookDelivery, WebhookEndpoint, WebhookSecret
from sharing.notifications.services import MOST_ENDPOINTS, oversee_webhook
from sharing.signals.models import Signal
from tests import factories

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.org/hub?key=4711abc"
NEW = {"url": URL, "events": ["match.found", "signal.retracted"]}


class Api:
    def __init__(self, client: Client, key: str) -> None:
        self.client, self.key = client, key

    def __call__(self, method: str, path: str = "", body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self.key}"}
        data = b"" if body is None else json.dumps(body)
        return self.client.generic(
            method, f"/api/v1/webhooks{path}", data, content_type="application/json", headers=headers
        )


@pytest.fixture
def api(client: Client, key: str) -> Api:
    return Api(client, key)


@pytest.fixture
def made(api: Api) -> Any:
    return api("POST", body=NEW).json()


def problems(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400
    assert all(error["mend"] for error in answer.json()["errors"])
    return [(error["path"], error["code"]) for error in answer.json()["errors"]]


def test_the_secret_is_shown_once_and_nowhere_stored_plain(api: Api, made: Any) -> None:
    assert made["secret"].startswith("whsec_")
    assert len(made["secret"]) == 6 + 44
    (stored,) = WebhookSecret.objects.values_list("encrypted", flat=True)
    assert made["secret"].removeprefix("whsec_") not in stored
    for answer in (api("GET"), api("GET", f"/{made['id']}"), api("PATCH", f"/{made['id']}", {"description": "Ours."})):
        assert answer.status_code == 200
        assert "whsec_" not in answer.content.decode()
    assert "4711abc" not in str(list(AuditEntry.objects.values()))


def test_read_and_change(api: Api, made: Any) -> None:
    path = f"/{made['id']}"
    changed = api("PATCH", path, {"events": ["match.reviewed", "match.found"], "description": "Ours."}).json()
    assert changed == {
        **{name: value for name, value in made.items() if name != "secret"},
        "events": ["match.found", "match.reviewed"],
        "description": "Ours.",
    }
    off = api("PATCH", path, {"enabled": False}).json()
    assert (off["state"], off["disabled_because"]) == ("disabled", "member")
    assert off["disabled_at"]
    on = api("PATCH", path, {"enabled": True}).json()
    assert (on["state"], on["disabled_because"], on["disabled_at"]) == ("enabled", None, None)
    assert api("DELETE", path).status_code == 204
    assert api("GET", path).status_code == 404
    assert not WebhookSecret.objects.exists()
    actions = list(AuditEntry.objects.filter(object_id=made["id"]).order_by("pk").values_list("action", flat=True))
    assert actions == [
        "webhook.created", "webhook.changed", "webhook.disabled", "webhook.changed", "webhook.changed",
        "webhook.deleted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/url", "required"), ("/events", "required")]),
        ({"url": 5, "events": []}, [("/url", "not_text"), ("/events", "min_length")]),
        ({"url": "http://hooks.example.org", "events": ["match.found"]}, [("/url", "not_encrypted")]),
        ({"url": "https://a:b@hooks.example.org", "events": ["match.found"]}, [("/url", "credentials")]),
        ({"url": URL, "events": ["match.lost"]}, [("/events/0", "invalid_choice")]),
        ({"url": URL, "events": ["webhook.test"]}, [("/events/0", "invalid_choice")]),
        ({**NEW, "description": "Ask x@example.org"}, [("/description", "identifier_in_text")]),
        ({**NEW, "secret": "whsec_"}, [("", "unknown_field")]),
        ({**NEW, "enabled": True}, [("", "unknown_field")]),
    ],
)
def test_bad_input_names_the_field(api: Api, body: Any, expected: list[tuple[str, str]]) -> None:
    assert problems(api("POST", body=body)) == expected
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("rotate-secret", {"overlap_hours": -1}, [("/overlap_hours", "min_value")]),
        ("rotate-secret", {"overlap_hours": 169}, [("/overlap_hours", "max_value")]),
        ("replay", {}, [("/since", "required")]),
        ("replay", {"since": "yesterday"}, [("/since", "invalid")]),
    ],
)
def test_bad_steps_name_the_field(api: Api, made: Any, path: str, body: Any, expected: list[tuple[str, str]]) -> None:
    assert problems(api("POST", f"/{made['id']}/{path}", body)) == expected


def test_every_event_is_in_the_document_as_it_is_sent(client: Client) -> None:
    document = client.get("/api/v1/schema").json()
    assert set(document["webhooks"]) == set(EventType.values)
    schemas = document["components"]["schemas"]

    def fields(event: str) -> set[str]:
        body = document["webhooks"][event]["post"]["requestBody"]["content"]["application/json"]["schema"]
        message = schemas[body["$ref"].rpartition("/")[2]]
        assert message["required"] == ["data", "timestamp", "type"]
        data = message["properties"]["data"]
        return set(schemas[data["$ref"].rpartition("/")[2]]["properties"]) if "$ref" in data else set()

    organisation, other = factories.make_organisation("delta"), factories.make_organisation("echo")
    group = factories.make_group("both")
    for member in (organisation, other):
        factories.give(member, group)
        signal = factories.submit(member, group, match=True, indicators=[("md5", "0cc175b9c0f1b6a831c399e269772661")])
    match = Match.objects.filter(recipient=organisation).latest("pk")
    rematch = Rematch.objects.create(reason="A new rule.")
    Match.objects.filter(pk=match.pk).update(rematch=rematch)
    told = dict.fromkeys(CHOSEN, match.pk) | {EventType.REMATCH_FOUND: rematch.pk, EventType.TEST: 0}
    for event, object_id in told.items():
        if event == EventType.SIGNAL_RETRACTED:
            Signal.objects.filter(pk=signal.pk).update(retracted_at=timezone.now())
            object_id = signal.pk  # noqa: PLW2901
        (data,) = contents(organisation, event, [object_id]).values()
        assert set(data) == fields(event), event


def test_a_key_without_the_scope_gets_nowhere(client: Client) -> None:
    organisation = factories.make_organisation()
    scopes = [scope for scope in Scope.values if scope != Scope.MANAGE_WEBHOOKS]
    api = Api(client, factories.make_client(organisation, scopes=scopes)[1])
    assert (api("GET").status_code, api("POST", body=NEW).status_code) == (403, 403)


def test_nobody_has_sent_what_it_may_not_read(client: Client, api: Api, made: Any) -> None:
    """A key for webhooks alone can neither ask for matches nor lead those that others ask for elsewhere."""
    alpha = Organisation.objects.get(slug="alpha")
    narrow = Api(client, factories.make_client(alpha, scopes=[Scope.MANAGE_WEBHOOKS, Scope.READ_SIGNALS])[1])
    refused = narrow("POST", body=NEW)
    assert refused.status_code == 403
    assert "matches:read" in refused.json()["detail"]
    assert narrow("POST", body={**NEW, "events": ["signal.retracted"]}).status_code == 201
    path = f"/{made['id']}"
    assert narrow("PATCH", path, {"url": "https://elsewhere.example/"}).status_code == 403
    assert api("GET", path).json()["url"] == URL
    assert narrow("PATCH", path, {"enabled": False}).status_code == 200
    assert narrow("PATCH", path, {"enabled": True}).status_code == 403


def test_there_are_so_many_and_no_more(api: Api) -> None:
    for _ in range(MOST_ENDPOINTS):
        assert api("POST", body=NEW).status_code == 201
    assert api("POST", body=NEW).status_code == 409


def test_secrets_overlap_two_at_a_time(api: Api, made: Any) -> None:
    path = f"/{made['id']}/rotate-secret"
    second = api("POST", path, {}).json()
    assert second["secret"] != made["secret"]
    assert [secret["expires_at"] is None for secret in second["secrets"]] == [True, False]
    assert api("POST", path, {"overlap_hours": 1}).status_code == 409
    third = api("POST", path, {"overlap_hours": 0}).json()
    assert len(third["secrets"]) == WebhookSecret.objects.count() == 1


def test_a_test_one_at_a_time_and_the_deliveries(api: Api, made: Any) -> None:
    path = f"/{made['id']}"
    delivery = api("POST", f"{path}/test")
    assert delivery.status_code == 202
    assert delivery.json()["message_id"].startswith("msg_")
    assert api("POST", f"{path}/test").status_code == 409
    page = api("GET", f"{path}/deliveries").json()
    assert page == {"results": [delivery.json()], "next": None}
    row = page["results"][0]
    assert (row["event"], row["state"], row["attempts"], row["last_error"]) == ("webhook.test", "waiting", 0, None)
    assert row["next_attempt_at"] and not row["ended_at"]
    assert api("GET", f"{path}/deliveries?state=failed").json()["results"] == []
    assert api("POST", f"{path}/deliveries/{row['id']}/replay").status_code == 409
    assert api("POST", f"{path}/deliveries/{uuid4()}/replay").status_code == 404


def test_pages_of_deliveries(api: Api, made: Any) -> None:
    endpoint = WebhookEndpoint.objects.get()
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(endpoint=endpoint, event="match.found", object_id=number, source_id=1) for number in range(5)
    )
    first = api("GET", f"/{made['id']}/deliveries?limit=3").json()
    assert len(first["results"]) == 3
    following = api.client.get(first["next"], headers={"authorization": f"Bearer {api.key}"}).json()
    assert len(following["results"]) == 2
    assert following["next"] is None
    assert len({row["id"] for row in first["results"] + following["results"]}) == 5


def test_what_the_operators_switched_off_stays_off(api: Api, made: Any) -> None:
    endpoint = WebhookEndpoint.objects.get()
    oversee_webhook(actor=factories.make_operator(), uuid=endpoint.uuid, enabled=False, reason="It floods somebody.")
    path = f"/{made['id']}"
    assert api("GET", path).json()["disabled_because"] == "operator"
    for refused in (
        api("PATCH", path, {"enabled": True}),
        api("POST", f"{path}/test"),
        api("POST", f"{path}/replay", {"since": "2026-01-01T00:00:00Z"}),
    ):
        assert refused.status_code == 409
    oversee_webhook(actor=factories.make_operator(), uuid=endpoint.uuid, enabled=True, reason="It was mended.")
    assert api("POST", f"{path}/test").status_code == 202


def test_the_number_of_queries_does_not_grow(api: Api, made: Any, django_assert_max_num_queries: Any) -> None:
    for _ in range(4):
        api("POST", body=NEW)
    api("GET")  # notes the key's use
    # The key with its client; the webhooks; their secrets.
    with django_assert_max_num_queries(3):
        assert len(api("GET").json()) == 5
