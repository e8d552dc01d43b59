"""POST /signals/bulk: lines in, pieces stored, results for each line, and the same body again."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import ApiClient, Organisation
from hub.audit.models import AuditEntry
from hub.outbox.models import OutboxEvent
from sharing.api import receiving
from sharing.signals.bulk.models import BulkChunk, BulkUpload, digest_of_key
from sharing.signals.models import Share, Signal, SignalIndicator
from tests import factories
from tests.api.bulk import PATH, before_piece, get, lines, results, row, send, send_part
from tests.videos import video

# Pieces are stored by a thread with a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)


def test_good_lines_are_stored_and_bad_ones_are_told(client: Client, key: str, small_pieces: None) -> None:
    body = lines(
        row(0),
        b"{broken\n",
        b"\n",
        row(3, severity="?"),
        b"\xff\n",
        row(0),
        [1],
        b'{"a": NaN}\n',
        row(8, tlp="RED"),
        row(9),
    )
    answer = send(client, key, body)
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["state"], told["lines"], told["stored"], told["created"], told["refused"]) == ("complete", 10, 2, 2, 8)
    rows = results(client, key, told["id"], "limit=4")
    assert [one["line"] for one in rows] == list(range(1, 11))
    assert [one["errors"][0]["code"] if one["errors"] else one["status"] for one in rows] == [
        "created", "not_json", "empty_line", "invalid_choice", "not_json", "repeated", "invalid", "not_json",
        "red_to_group", "created",
    ]  # fmt: skip
    assert rows[3]["errors"][0]["path"] == "/severity"
    named = [one["external_id"] for one in rows]
    assert named == [
        "ad-0",
        None,
        None,
        "ad-3",
        None,
        "ad-0",
        None,
        None,
        "ad-8",
        "ad-9",
    ]
    first = Signal.objects.get(external_id="ad-0")
    assert rows[0]["id"] == str(first.uuid)
    assert (first.summary, first.indicators.get().text, first.groups.get().slug) == ("Advert 0", f"{1:032x}", "watch")
    assert [one["line"] for one in results(client, key, told["id"], "status=refused&limit=3")] == [
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
    ]
    assert get(client, key, f"{PATH}/{told['id']}").json() == told


def test_a_piece_is_one_audit_entry_and_one_piece_of_work(client: Client, key: str, small_pieces: None) -> None:
    send(client, key, lines(*map(row, range(7))))
    entries = AuditEntry.objects.filter(action="signals.submitted").order_by("pk")
    assert [entry.detail["count"] for entry in entries] == [3, 3, 1]
    wanted = [len(event.payload["signals"]) for event in OutboxEvent.objects.filter(topic="signals.changed")]
    assert sorted(wanted) == [1, 3, 3]


def test_the_same_body_again_stores_nothing_again(client: Client, key: str, small_pieces: None) -> None:
    body = lines(*map(row, range(8)), b"\n")
    first = send(client, key, body).json()
    signals = sorted(Signal.objects.values_list("pk", "updated_at"))
    assert send(client, key, body).json() == first
    assert send(client, key, gzip.compress(body), **{"content-encoding": "gzip"}).json() == first
    assert sorted(Signal.objects.values_list("pk", "updated_at")) == signals


def test_a_body_that_broke_off_goes_on_where_it_stopped(client: Client, key: str, small_pieces: None) -> None:
    body = lines(*map(row, range(10)))
    cut = body[: len(lines(*map(row, range(5)))) - 4]  # in the midst of the fifth line
    broken = send_part(client, key, cut, len(body))
    assert (broken.status_code, broken.json()["errors"][0]["code"]) == (400, "broken_off")
    upload = BulkUpload.objects.get()
    assert (upload.state, upload.lines) == ("open", 4)
    asked = client.get(PATH, headers={"authorization": f"Bearer {key}", "idempotency-key": "upload-1"}).json()
    assert (asked["id"], asked["state"], asked["lines"]) == (str(upload.uuid), "open", 4)
    told = send(client, key, body).json()
    assert (told["id"], told["state"], told["lines"], told["created"]) == (str(upload.uuid), "complete", 10, 10)
    assert Signal.objects.count() == SignalIndicator.objects.count() == Share.objects.count() == 10
    assert [chunk.lines for chunk in BulkChunk.objects.order_by("first_line")] == [3, 1, 3, 3]


def test_repeated_external_ids_are_known_after_a_break(client: Client, key: str, small_pieces: None) -> None:
    start = lines(row(0), row(1, severity="?"), row(2))
    body = start + lines(row(0), row(1), row(5))
    whole = results(client, key, send(client, key, body, "whole").json()["id"])
    Signal.objects.all().delete()
    send_part(client, key, start, len(body), "broken")
    again = results(client, key, send(client, key, body, "broken").json()["id"])
    assert [(one["line"], one["status"], one["errors"]) for one in again] == [
        (one["line"], one["status"], one["errors"]) for one in whole
    ]


@pytest.mark.parametrize("other", ["changed", "shorter", "longer"])
def test_a_key_with_another_body_is_refused(client: Client, key: str, small_pieces: None, other: str) -> None:
    rows = [row(number) for number in range(5)]
    send(client, key, lines(*rows))
    bodies = {
        "changed": lines(*rows[:1], row(77), *rows[2:]), "shorter": lines(*rows[:4]), "longer": lines(*rows, row(5))
    }  # fmt: skip
    answer = send(client, key, bodies[other])
    assert answer.status_code == 409
    assert "another body" in answer.json()["detail"]
    assert Signal.objects.count() == 5


def test_what_was_there_is_updated(client: Client, key: str) -> None:
    send(client, key, lines(row(0), row(1), row(2)))
    Signal.objects.filter(external_id="ad-2").update(retracted_at="2026-01-01T00:00:00Z")
    new = [{"type": "sha1", "value": "f" * 40}]
    told = send(client, key, lines(row(0, summary="Now so", indicators=new), row(2), row(3)), "upload-2").json()
    assert (told["created"], told["updated"], told["refused"]) == (1, 1, 1)
    assert [one["status"] for one in results(client, key, told["id"])] == ["updated", "refused", "created"]
    changed = Signal.objects.get(external_id="ad-0")
    assert (changed.summary, changed.indicators.get().signal_type) == ("Now so", "sha1")


def test_every_kind_of_signal_is_stored_as_a_batch_stores_it(client: Client, key: str) -> None:
    factories.make_organisation("beta")
    frames = video(random.Random(1), 5)
    rows = [
        row(0, tlp="RED", sharing_groups=[], named_organisations=["beta"]),
        row(1, kind="account", account={"platform": "exampletube", "behaviours": ["recruits"], "enforcement": "banned"},
            indicators=[{"type": "email", "value": "a.person@example.org"}]),
        row(2, indicators=[{"type": "vpdq", "value": frames}, {"type": "pdq", "value": "0f" * 32, "quality": 80}]),
        row(3, external_id=None, observed_at="2026-01-01T10:00:00+01:00", summary="Überfahrt, heute\nzwei Zeilen"),
        row(4, indicators=[{"type": "md5", "value": f"{1:032x}"}, {"type": "md5", "value": f"{1:032X}"}]),
    ]  # fmt: skip
    told = send(client, key, lines(*rows)).json()
    assert told["created"] == 5, [one["errors"] for one in results(client, key, told["id"])]
    bulk = [get(client, key, f"/api/v1/signals/{uuid}").json() for uuid in _newest(5)]
    named = Signal.objects.get(external_id="ad-0").grants.get().group.organisation.slug
    Signal.objects.all().delete()
    batch = client.post(
        "/api/v1/signals/batch", json.dumps({"signals": rows}), content_type="application/json",
        headers={"authorization": f"Bearer {key}"},
    )  # fmt: skip
    assert batch.json()["stored"] == 5, batch.content
    assert named == Signal.objects.get(external_id="ad-0").grants.get().group.organisation.slug == "beta"
    volatile = ("id", "created_at", "updated_at", "expires_at")
    bare = [
        sorted(({k: v for k, v in one.items() if k not in volatile} for one in some), key=lambda one: one["summary"])
        for some in (bulk, [get(client, key, f"/api/v1/signals/{uuid}").json() for uuid in _newest(5)])
    ]
    for some in bare:
        for one in some:
            one["indicators"] = sorted(one["indicators"], key=lambda held: held["value"])
    assert bare[0] == bare[1]


def _newest(most: int) -> Iterator[str]:
    yield from map(str, Signal.objects.order_by("-pk").values_list("uuid", flat=True)[:most])


def test_a_newer_request_takes_the_upload_over(
    client: Client, key: str, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = lines(*map(row, range(9)))
    prepare = receiving.prepare_piece
    asked = []

    def meanwhile(**given: Any) -> Any:
        asked.append(1)
        if len(asked) == 3:  # two pieces are on their way
            asked.append(1)
            assert send(Client(), key, body).status_code == 200
        return prepare(**given)

    monkeypatch.setattr(receiving, "prepare_piece", meanwhile)
    answer = send(client, key, body)
    assert answer.status_code == 409
    assert "Another request" in answer.json()["detail"]
    assert Signal.objects.count() == 9
    upload = BulkUpload.objects.get()
    assert (upload.lines, upload.created, upload.state) == (9, 9, "complete")


@pytest.mark.parametrize("together", [2, 3])
def test_of_those_who_begin_at_the_same_moment_one_goes_on(key: str, together: int) -> None:
    for round_ in range(10):
        body, start = lines(*(row(number, external_id=f"{round_}-{number}") for number in range(3))), Barrier(together)

        def post(body: bytes = body, start: Barrier = start, name: str = f"upload-{round_}") -> int:
            try:
                start.wait(30.0)
                return int(send(Client(), key, body, name).status_code)
            finally:
                connection.close()

        with ThreadPoolExecutor(together) as senders:
            statuses = sorted(sent.result() for sent in [senders.submit(post) for _ in range(together)])
        assert statuses[0] == 200, statuses
        assert set(statuses) <= {200, 409}
        assert BulkUpload.objects.get(key_sha256=digest_of_key(f"upload-{round_}")).created == 3


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda: Organisation.objects.filter(slug="alpha").update(status="suspended"), 403),
        (lambda: ApiClient.objects.filter(organisation__slug="alpha").update(scopes=["signals:read"]), 403),
    ],
    ids=["suspended", "scope taken away"],
)
def test_rights_are_asked_for_again_with_each_piece(
    client: Client, key: str, small_pieces: None, monkeypatch: pytest.MonkeyPatch, change: Any, status: int
) -> None:
    before_piece(monkeypatch, 3, change)
    assert send(client, key, lines(*map(row, range(9)))).status_code == status
    assert Signal.objects.count() <= 6


def test_a_group_that_is_lost_meanwhile_takes_no_more(
    client: Client, key: str, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_piece(monkeypatch, 2, lambda: factories.SharingGroup.objects.update(status="closed"))
    body = lines(*map(row, range(6)))
    answer = send(client, key, body)
    # The first piece was stored before the group was closed, or was refused because of it; none is stored after.
    assert answer.status_code in (200, 409)
    told = send(client, key, body).json()
    assert told["created"] == Signal.objects.count() <= 3
    assert told["refused"] == 6 - told["created"]
