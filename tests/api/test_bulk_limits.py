"""What a bulk upload may not be, and what it may cost; whose it is, and how long it is kept."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiClient, Organisation
from sharing.api import ndjson, receiving
from sharing.signals.bulk.models import BulkUpload
from sharing.signals.models import Signal
from sharing.tasks import purge_bulk_uploads
from tests import factories
from tests.api.bulk import PATH, get, lines, results, row, send, send_part

# Pieces are stored by a thread with a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)


def test_lines_count_against_the_limit_and_what_is_stored_does_not(client: Client, small_pieces: None) -> None:
    organisation = factories.make_organisation("alpha")
    factories.give(organisation, factories.make_group("watch"))
    # Four hundredths are left after the request itself.
    _client, key = factories.make_client(organisation, rate_per_minute=2)
    body = lines(*map(row, range(120)))
    answer = send(client, key, body)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    stored = Signal.objects.count()
    assert 100 <= stored < 120
    ApiClient.objects.update(rate_per_minute=100)
    assert send(client, key, body).json()["created"] == 120


def test_plain_identifiers_count_against_the_quota(client: Client, small_pieces: None) -> None:
    organisation = factories.make_organisation("alpha", identifiers_per_day=4)
    factories.give(organisation, factories.make_group("watch"))
    key = factories.make_client(organisation)[1]
    rows = [row(number, indicators=[{"type": "phone", "value": f"+44791112345{number}"}]) for number in range(6)]
    answer = send(client, key, lines(*rows))
    assert (answer.status_code, Signal.objects.count()) == (429, 3)
    Organisation.objects.update(identifiers_per_day=100)
    assert send(client, key, lines(*rows)).json()["created"] == 6


def test_an_empty_body_is_refused(client: Client, key: str) -> None:
    answer = send_part(client, key, b"", 0)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "no_lines")


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (lines(row(0)), {"content_type": "application/json"}, 415, None),
        (lines(row(0)), {"content-encoding": "br"}, 415, None),
        (lines(row(0)), {"idempotency-key": ""}, 400, "required"),
        (lines(row(0)), {"idempotency-key": "a b"}, 400, "required"),
        (lines(row(0)), {"idempotency-key": "x" * 201}, 400, "required"),
        (b"no gzip", {"content-encoding": "gzip"}, 400, "broken_off"),
    ],
)
def test_what_is_no_upload_is_refused(
    client: Client, key: str, body: bytes, headers: dict[str, str], status: int, code: str | None
) -> None:
    answer = send(client, key, body, **headers)
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    if code:
        assert answer.json()["errors"][0]["code"] == code
    assert not Signal.objects.exists()


def test_lines_have_a_greatest_length_and_number(
    client: Client, key: str, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ndjson, "LONGEST", 1_000)
    monkeypatch.setattr(ndjson, "_PIECE", 600)
    long = row(1, summary="x" * 3_000)
    body = lines(row(0), long, row(2), long)[:-1]
    told = send(client, key, body).json()
    assert (told["lines"], told["created"], told["refused"]) == (4, 2, 2)
    assert results(client, key, told["id"])[1]["errors"][0]["code"] == "line_too_long"
    assert send(client, key, body).json() == told
    assert send(client, key, body.replace(b"xxx", b"xyx", 1)).status_code == 409
    monkeypatch.setattr(receiving, "MAX_LINES", 5)
    answer = send(client, key, lines(*map(row, range(10, 17))), "many")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "too_many_lines")
    assert BulkUpload.objects.latest("pk").lines == 5


def test_a_body_has_a_greatest_size_however_small_it_is_packed(client: Client, key: str, settings: Any) -> None:
    settings.STREAMED_BODIES = {PATH: 100_000}
    assert send(client, key, b" " * 100_001).status_code == 413
    packed = gzip.compress(b" " * 100_000_000)
    assert len(packed) < 100_000
    assert send(client, key, packed, **{"content-encoding": "gzip"}).status_code == 413


def test_an_upload_is_for_its_own_organisation_only(client: Client, key: str) -> None:
    other = factories.make_client(factories.make_organisation("beta"))[1]
    upload = send(client, key, lines(row(0))).json()["id"]
    for path in (f"{PATH}/{upload}", f"{PATH}/{upload}/results"):
        assert get(client, key, path).status_code == 200
        assert get(client, other, path).status_code == 404
    # The same key of another client names another upload.
    told = send(client, other, lines(row(0))).json()
    assert told["id"] != upload
    assert results(client, other, told["id"])[0]["errors"][0]["code"] == "unknown_group"


def test_old_uploads_are_forgotten_and_their_signals_stay(client: Client, key: str) -> None:
    old, new = (send(client, key, lines(row(number)), f"upload-{number}").json()["id"] for number in range(2))
    BulkUpload.objects.filter(uuid=old).update(created_at="2026-01-01T00:00:00Z")
    purge_bulk_uploads()
    assert get(client, key, f"{PATH}/{old}").status_code == 404
    assert get(client, key, f"{PATH}/{new}").status_code == 200
    assert Signal.objects.count() == 2
