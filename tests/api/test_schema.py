"""The OpenAPI document, and the API held against it by schemathesis."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
import schemathesis
from django.conf import LazySettings
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from hypothesis import HealthCheck
from hypothesis import settings as runs
from pytest_django.live_server_helper import LiveServer
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from sharing.api.ndjson import MEDIA_TYPE
from sharing.notifications.services import create_webhook
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
LONG = bool(os.environ.get("HUB_LONG"))


@schemathesis.serializer(MEDIA_TYPE)  # type: ignore[untyped-decorator]
def lines(_context: Any, value: Any) -> bytes:
    """The tool knows no lines of JSON: its texts are sent as they are."""
    return str(value).encode(errors="replace")


DOCUMENT = schemathesis.openapi.from_dict(
    json.loads(OpenApiJsonRenderer().render(SchemaGenerator().get_schema(public=True)))
)


def test_the_document_is_openapi_31_and_declares_errors(client: Client) -> None:
    document = client.get("/api/v1/schema").json()
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation.get("summary"), path
            for status in ("400", "429", "503"):
                content = operation["responses"][status]["content"]
                assert list(content) == ["application/problem+json"]


def test_the_first_address_leads_to_the_document_without_a_key(client: Client) -> None:
    index = client.get("/api/v1/").json()
    assert index["name"] == "Intelligence-sharing hub"
    assert client.get(index["documentation"]).status_code == client.get(index["openapi"]).status_code == 200
    assert client.get(index["whoami"]).status_code == 401
    assert client.post("/api/v1/").status_code == 405


def test_the_docs_page_fetches_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/api/v1/docs").content.decode()
    assert "https://" not in page
    assert "http://" not in page


@pytest.fixture
def known(settings: LazySettings) -> dict[str, str]:
    """Ids that exist, for the paths that want one, and a key that may do everything."""
    settings.API_ANONYMOUS_RATE_PER_MINUTE = 1_000_000
    organisation, other = factories.make_organisation("alpha"), factories.make_organisation("beta")
    group = factories.make_group("trafficking-watch")
    same = [("md5", "900150983cd24fb0d6963f7d28e17f72")]
    for member in (organisation, other):
        factories.give(member, group)
    signal = factories.submit(organisation, group, indicators=same)
    factories.submit(other, group, match=True, indicators=same)
    client, key = factories.make_client(organisation, rate_per_minute=1_000_000)
    assert client.organisation == organisation
    match = organisation.matches.get()
    hook = create_webhook(
        actor=factories.actor_for(organisation), url="https://hooks.example.org/hub", events=["match.found"]
    )
    ids = {"signals": str(signal.uuid), "matches": str(match.uuid), "webhooks": str(hook.endpoint.uuid)}
    return {**ids, "key": key}


@DOCUMENT.parametrize()  # type: ignore[untyped-decorator]
@runs(max_examples=100 if LONG else 25, database=None, suppress_health_check=list(HealthCheck))
def test_no_answer_is_undeclared_and_none_is_a_defect(
    case: Any, known: dict[str, str], live_server: LiveServer
) -> None:
    noun = case.operation.path.split("/")[3]
    if "uuid" in (case.path_parameters or {}) and len(case.path_parameters["uuid"]) % 2 == 0:
        case.path_parameters["uuid"] = known[noun]
    response = case.call(base_url=live_server.url, headers={"Authorization": f"Bearer {known['key']}"})
    assert response.status_code < 500
    # A schema can't say all: what is a hash of its type, or a group that one is in. And a batch is accepted (200)
    # with its bad rows refused one by one.
    case.validate_response(response, excluded_checks=[positive_data_acceptance, negative_data_rejection])
