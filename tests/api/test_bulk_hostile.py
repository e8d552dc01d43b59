"""POST /signals/bulk against bodies and senders that mean it no good, or that nobody thought of."""

from __future__ import annotations

import gzip
import io
import socket
from contextlib import ExitStack
from datetime import timedelta
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import ApiClient, ApiKey
from sharing.api import ndjson, receiving
from sharing.api.views import bulk
from sharing.signals.bulk import copying
from sharing.signals.bulk.models import BulkUpload
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from tests import factories
from tests.api.bulk import before_piece, lines, results, row, send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "odd",
    [
        {"external_id": "a\0"},
        {"external_id": "a\ud800"},
        {"external_i\0d": "x"},
        {"external_i\ud800": "x"},
        {"summary": "\0"},
    ],
    ids=["NUL in the reference", "half a pair in it", "NUL in a name", "half a pair in a name", "NUL in a text"],
)
def test_a_line_that_no_database_can_hold_is_refused_alone(client: Client, key: str, odd: dict[str, str]) -> None:
    answer = send(client, key, lines(row(0), {**row(1), **odd}, row(2)))
    assert answer.status_code == 200, answer.content
    assert (answer.json()["created"], answer.json()["refused"]) == (2, 1)
    assert [one["status"] for one in results(client, key, answer.json()["id"])] == ["created", "refused", "created"]


def test_a_gzip_file_of_several_members_is_read_to_its_end(client: Client, key: str) -> None:
    packed = b"".join(gzip.compress(lines(row(number))) for number in range(3))
    answer = send(client, key, packed, **{"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["created"]) == (200, 3)


def test_empty_members_without_an_end_are_not_read_on(client: Client, key: str) -> None:
    packed = gzip.compress(lines(row(0))) + gzip.compress(b"") * 30_000 + gzip.compress(lines(row(1)))
    answer = send(client, key, packed, **{"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "broken_off")


def test_what_stands_behind_a_gzip_file_and_is_none_is_not_passed_over(client: Client, key: str) -> None:
    packed = gzip.compress(lines(row(0))) + b"something else\n"
    answer = send(client, key, packed, **{"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "broken_off")
    assert Signal.objects.count() == 1


def test_another_body_is_not_read_whole_to_be_refused(
    client: Client, key: str, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "LONGEST", 100)
    monkeypatch.setattr(receiving, "PIECE_BYTES", 1_000)
    assert send(client, key, lines(*map(row, range(3)))).status_code == 200
    taken: list[int] = []
    real = ndjson.Lines.take

    def counted(self: Any, most: int, most_bytes: int | None = None) -> list[bytes]:
        found = real(self, most, most_bytes)
        taken.append(sum(map(len, found)))
        return found

    monkeypatch.setattr(ndjson.Lines, "take", counted)
    assert send(client, key, b"\n".join([b"x" * 900] * 50)).status_code == 409
    assert taken == [1_800]


def test_who_sends_nothing_more_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "_DRAINED_SECONDS", 0.2)
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"the beginning")
        source = ndjson.Source(near.recv, length=1_000, gzipped=False, most=10_000, socket=near)
        source.drain()
        assert source.cut


def test_who_sends_a_byte_now_and_then_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's reader comes back with a whole piece only."""
    monkeypatch.setattr(ndjson, "_PIECE_SECONDS", 0.3)
    near, far = socket.socketpair()
    stopped = Event()

    def drip() -> None:
        while not stopped.wait(0.05):
            far.sendall(b"x")

    dripping = Thread(target=drip)
    with near, far, near.makefile("rb") as whole:
        dripping.start()
        source = ndjson.Source(whole.read, length=10_000, gzipped=False, most=10_000, socket=near)
        assert 0 < len(source.read()) < 100
        assert not source.read()
        assert source.cut
        stopped.set()
        dripping.join()


@pytest.mark.parametrize(
    "change",
    [
        lambda: ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1)),
        lambda: ApiKey.objects.update(revoked_at=timezone.now()),
        lambda: ApiClient.objects.update(allowed_networks=["192.0.2.0/24"]),
    ],
    ids=["expired", "revoked", "another network"],
)
def test_a_key_that_ends_meanwhile_stores_no_more(
    client: Client, key: str, small_pieces: None, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    before_piece(monkeypatch, 3, change)
    assert send(client, key, lines(*map(row, range(9)))).status_code == 403
    assert Signal.objects.count() <= 6


def test_a_database_that_goes_away_within_a_copy_is_503(
    client: Client, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work = connection.connection.info.backend_pid

    def restarted() -> UUID:
        """Called for each row, while COPY is under way."""
        with psycopg.connect(**connection.get_connection_params()) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [at_work])
        return uuid4()

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(copying, "uuid4", restarted)
        assert send(client, key, lines(*map(row, range(3)))).status_code == 503
    connection.close()  # as the server does between two requests
    assert not Signal.objects.exists()
    assert send(client, key, lines(*map(row, range(3)))).json()["created"] == 3


def test_one_organisation_never_has_all_places(client: Client, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = factories.make_organisation("beta")
    factories.give(other, SharingGroup.objects.get(slug="watch"))
    others_key = factories.make_client(other)[1]
    meanwhile = []

    def send_both() -> None:
        meanwhile.extend(send(client, one, lines(row(5)), "upload-2") for one in (key, others_key))

    before_piece(monkeypatch, 1, send_both)
    assert send(client, key, lines(row(0))).status_code == 200
    waits, stored = meanwhile
    assert waits.status_code == 429
    assert 0 < int(waits.headers["Retry-After"]) <= 10
    assert stored.json()["created"] == 1
    assert send(client, key, lines(row(5)), "upload-2").json()["created"] == 1


def test_there_are_only_so_many_places(client: Client, key: str) -> None:
    with ExitStack() as taken:
        for number in range(settings.BULK_AT_ONCE):
            other = factories.actor_for(factories.make_organisation(f"member-{number}"))
            source = ndjson.Source(io.BytesIO().read, length=0, gzipped=False, most=0)
            taken.enter_context(bulk._places.one_for(other, "upload-1", source))
        assert send(client, key, lines(row(0))).status_code == 429
        assert not BulkUpload.objects.exists()
    assert send(client, key, lines(row(0))).json()["created"] == 1
