"""The feed's address: cursors, filters, compression, and what a request weighs."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries
from rest_framework.request import Request

from accounts.models import Organisation
from sharing.api.compression import gzipped
from sharing.api.throttling import WHOLE
from sharing.api.views.feed import Feed
from sharing.feeds import position
from sharing.feeds.services import MOST
from sharing.signals.services import update_signal
from sharing.visibility.models import SharingGroup
from sharing.visibility.services import set_group_status
from tests import factories
from tests.feeds.copy import FEED, Copy

pytestmark = pytest.mark.django_db(transaction=True)


def errors(copy: Copy, status: int = 400) -> Any:
    response = copy.ask()
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    return [(problem["path"], problem["code"]) for problem in response.json()["errors"]]


def test_a_cursor_is_good_for_its_reader_only(alpha: Organisation, beta: Organisation, group: SharingGroup) -> None:
    factories.submit(alpha, group)
    mine, theirs = Copy.of(alpha), Copy.of(beta)
    mine.sync()
    theirs.cursor = mine.cursor
    assert errors(theirs) == [("/cursor", "bad_cursor")]


@pytest.mark.parametrize("cursor", ["x", "A" * 80, "A" * 79, "ä" * 80, "=" * 80])
def test_what_is_no_cursor_is_refused(beta: Organisation, cursor: str) -> None:
    copy = Copy.of(beta)
    copy.cursor = cursor
    assert errors(copy) == [("/cursor", "bad_cursor")]
    assert "leave the cursor out" in copy.ask().json()["errors"][0]["mend"]


def test_a_cursor_outlives_a_new_secret_key_as_long_as_the_old_one_counts(
    alpha: Organisation, beta: Organisation, group: SharingGroup, settings: LazySettings
) -> None:
    copy = Copy.of(beta)
    copy.sync()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret-key-of-forty-characters-or-more"
    old, signal = copy.cursor, factories.submit(alpha, group)
    assert copy.changes() == {str(signal.uuid): "upsert"}
    settings.SECRET_KEY_FALLBACKS = []
    assert copy.changes() == {}
    copy.cursor = old
    assert errors(copy) == [("/cursor", "bad_cursor")]


def test_a_cursor_of_a_restored_database_is_gone(beta: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Copy.of(beta)
    copy.sync()
    monkeypatch.setattr("sharing.feeds.stream.cluster_of", lambda _cursor: "another/1/1")
    assert errors(copy, 410) == []
    assert "restored" in copy.ask().json()["detail"]


def test_a_cursor_from_the_future_of_this_database_is_gone(beta: Organisation) -> None:
    copy = Copy.of(beta)
    copy.sync()
    opened = position.unseal_bytes(copy.cursor, rows="feed", reader=beta.pk)
    assert opened is not None
    ahead = opened[:8] + (2**40).to_bytes(8, "big") + opened[16:]
    copy.cursor = position.seal_bytes(ahead, rows="feed", reader=beta.pk)
    assert errors(copy, 410) == []


def test_an_old_cursor_is_gone_and_one_that_is_used_stays_good(
    alpha: Organisation, beta: Organisation, group: SharingGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hour by hour a quiet reader's cursor moves on, though nothing happens for it."""
    copy, hour = Copy.of(beta), position.hour_of
    copy.sync()
    first = copy.cursor
    copy.sync()
    assert copy.cursor == first
    shift = 0
    monkeypatch.setattr(position, "hour_of", lambda now: hour(now) + shift)
    shift = 1
    copy.sync()
    assert copy.cursor != first
    shift = -31 * 24
    old = Copy.of(beta)
    old.sync()
    shift = 0
    assert errors(old, 410) == []
    assert "too old" in old.ask().json()["detail"]


def test_filters_stay_the_same_from_cursor_to_cursor(
    alpha: Organisation, beta: Organisation, group: SharingGroup
) -> None:
    copy = Copy.of(beta, types="pdq, md5", group="watch")
    copy.sync()
    copy.query = {"types": "md5,pdq", "group": "watch"}
    copy.sync()
    copy.query = {"types": "md5"}
    assert errors(copy) == [("/types", "other_filter"), ("/group", "other_filter")]


def test_types_narrow_a_feed(alpha: Organisation, beta: Organisation, group: SharingGroup) -> None:
    md5, sha256 = ("md5", f"{1:032x}"), ("sha256", f"{1:064x}")
    copy = Copy.of(beta, types="md5,sha1")
    copy.sync()
    factories.submit(alpha, group, indicators=[sha256])
    signal = factories.submit(alpha, group, indicators=[md5, sha256])
    assert copy.changes() == {str(signal.uuid): "upsert"}
    assert [held["type"] for held in copy.signals[str(signal.uuid)]["indicators"]] == ["md5", "sha256"]
    factories.submit(alpha, group, external_id="later", indicators=[sha256])
    assert copy.changes() == {}
    item = factories.signal_input(group, indicators=[sha256])
    update_signal(
        actor=factories.actor_for(alpha), uuid=signal.uuid, changes={"indicators": item.indicators}
    )  # fmt: skip
    assert copy.changes() == {str(signal.uuid): "gone"}


def test_a_group_narrows_a_feed_and_may_be_lost(alpha: Organisation, beta: Organisation, group: SharingGroup) -> None:
    second = factories.make_group("second")
    factories.give(alpha, second)
    factories.give(beta, second, "view")
    inside = factories.submit(alpha, group, second)
    factories.submit(alpha, second)
    factories.submit(alpha, named_organisations=("beta",))
    copy = Copy.of(beta, group="watch")
    assert copy.changes() == {str(inside.uuid): "upsert"}
    assert copy.signals[str(inside.uuid)]["sharing_groups"] == ["watch", "second"]
    set_group_status(actor=factories.make_operator(), sharing_group=group, status="closed", reason="Over.")
    assert copy.changes() == {str(inside.uuid): "access_lost"}
    assert errors(Copy.of(beta, group="watch")) == [("/group", "unknown_group")]


def test_a_hidden_group_looks_like_an_absent_one(alpha: Organisation) -> None:
    factories.make_group("hidden")
    hidden, absent = (Copy.of(alpha, group=slug).ask() for slug in ("hidden", "absent"))
    assert hidden.content == absent.content


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"limit": 0}, "/limit"),
        ({"limit": MOST + 1}, "/limit"),
        ({"limit": "many"}, "/limit"),
        ({"types": "md5,nothing"}, "/types"),
        ({"types": ","}, "/types"),
        ({"group": "x" * 61}, "/group"),
        ({"cursor": "x" * 101}, "/cursor"),
    ],
)
def test_bad_input_is_named(beta: Organisation, query: dict[str, Any], path: str) -> None:
    problems = Copy.of(beta, **query).ask().json()["errors"]
    assert [problem["path"] for problem in problems] == [path]
    assert problems[0]["mend"]


def test_nothing_new_is_304(alpha: Organisation, beta: Organisation, group: SharingGroup) -> None:
    factories.submit(alpha, group)
    copy = Copy.of(beta)
    assert "ETag" not in copy.ask().headers
    copy.sync()
    quiet = copy.ask()
    assert quiet.json() == {"entries": [], "cursor": copy.cursor, "more": False}
    etag = quiet.headers["ETag"]
    again = copy.ask(**{"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    factories.submit(alpha, group)
    assert copy.ask(**{"If-None-Match": etag}).status_code == 200


def test_a_quiet_poll_asks_little(
    alpha: Organisation, beta: Organisation, group: SharingGroup, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    factories.submit(alpha, group)
    copy = Copy.of(beta)
    copy.sync()
    # The key; the moment with its groups; the next gain or loss; the branches; nothing to read; the audit's sum.
    with django_assert_num_queries(6):
        copy.ask()


def test_answers_are_compressed_for_who_takes_it(alpha: Organisation, beta: Organisation, group: SharingGroup) -> None:
    for number in range(20):
        factories.submit(alpha, group, summary=f"Boats leave at night, number {number}. " * 3)
    copy = Copy.of(beta)
    plain, packed = copy.ask(), copy.ask(**{"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert json.loads(gzip.decompress(packed.content))["entries"] == plain.json()["entries"]
    assert len(packed.content) < len(plain.content) * 0.8
    assert "Content-Encoding" not in copy.ask(**{"Accept-Encoding": "gzip;q=0"}).headers


def test_compression_tells_nothing_of_what_two_entries_have_in_common() -> None:
    secret, other = (f'{{"summary":"{text * 6}"}}'.encode() for text in ("the red house ", "9f3!kq0zv_ m2x"))

    def length(*pieces: bytes) -> int:
        return len(gzipped(pieces))

    alone = length(secret)
    empty = length()
    for text in (secret, other):
        assert length(secret, text) - length(text) == alone - empty


def test_a_page_weighs_by_the_entries_that_it_may_hold() -> None:
    def weight(query: str) -> int:
        return Feed().weight(Request(RequestFactory().get(f"{FEED}?{query}")))

    assert [weight(f"limit={limit}") for limit in (1, 100, 101, 5_000)] == [WHOLE, WHOLE, 2 * WHOLE, 50 * WHOLE]
    assert weight("") == 10 * WHOLE
    assert weight("limit=many") == weight("limit=-1") == WHOLE
    assert weight("limit=999999") == weight("limit=") == WHOLE
    # Python reads all of these as five thousand, and so does the field.
    for limit in ("5_000", "%205000", "005000", "5000.0", "%2B5000", "%D9%A5%D9%A0%D9%A0%D9%A0"):
        assert weight(f"limit={limit}") == 50 * WHOLE


def test_a_key_without_the_scope_reads_no_feed(beta: Organisation, client: Client) -> None:
    _client, key = factories.make_client(beta, scopes=["signals:lookup", "signals:write"])
    assert client.get(FEED, headers={"Authorization": f"Bearer {key}"}).status_code == 403
