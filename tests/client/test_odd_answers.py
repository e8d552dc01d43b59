"""Answers that no hub should give end in an error that is told, for both clients: never in another, nor without end."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from hub_client import (
    AsyncHubClient,
    HubClient,
    HubClientError,
    HubUnavailable,
    Indicator,
    Invalid,
    NewSignal,
    Retries,
    TooManyRequests,
    UnexpectedAnswer,
    Watch,
    WhoAmI,
    reading,
)
from tests.client.copies.pages import signal
from tests.client.failing import KEY, ME, Failing, said

DEEP = b'{"a":' * 200_000
MD5 = [Indicator("md5", digit * 32) for digit in "abc"]
PACKED = {"Content-Encoding": "gzip"}
Asked = Callable[[], WhoAmI]


@pytest.fixture(params=["sync", "async"])
def whoami(request: pytest.FixtureRequest, server: Failing) -> Asked:
    retries = Retries(attempts=3, first=0.01, most=0.02)

    async def asked() -> WhoAmI:
        async with AsyncHubClient(server.url, KEY, retries=retries, timeout=10) as client:
            return await client.whoami()

    def asked_here() -> WhoAmI:
        with HubClient(server.url, KEY, retries=retries, timeout=10) as client:
            return client.whoami()

    return asked_here if request.param == "sync" else lambda: asyncio.run(asked())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, {}, DEEP), UnexpectedAnswer),
        ((400, {}, DEEP), Invalid),
        ((200, PACKED, b"{}"), UnexpectedAnswer),
        ((400, PACKED, b"{}"), UnexpectedAnswer),
        ((200, PACKED, gzip.compress(b"{}")[:-4]), UnexpectedAnswer),
        ((200, {"Content-Encoding": "br"}, b"{}"), UnexpectedAnswer),
        (said({}, 503, **{"Retry-After": "\xb2"}), HubUnavailable),
        (said({}, 429, **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 +" + "9" * 30}), TooManyRequests),
    ],
)
def test_what_can_not_be_read_is_an_error_of_ours(
    server: Failing, whoami: Asked, answer: Any, kind: type[HubClientError]
) -> None:
    server.plan = [answer]
    with pytest.raises(kind):
        whoami()


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_is_read_up_to_a_limit(
    server: Failing, whoami: Asked, monkeypatch: pytest.MonkeyPatch, status: int, packed: bool
) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 2**20)
    body = b" " * 2**21
    server.plan = [(status, PACKED if packed else {}, gzip.compress(body) if packed else body)]
    with pytest.raises(UnexpectedAnswer, match="longer than 1 MB"):
        whoami()


def test_what_is_packed_is_read_and_what_passes_is_tried_again(server: Failing, whoami: Asked) -> None:
    status, _headers, body = said(ME)
    server.plan = [said({}, 503), (status, PACKED, gzip.compress(body))]
    assert whoami().organisation.slug == "a"
    assert len(server.asked) == 2


@pytest.mark.parametrize("address", ["http://[", "/api/v1/signals?cursor=" + "x" * 100_000, "/elsewhere", "/api/v1/\n"])
def test_a_next_page_that_is_none_is_refused(server: Failing, client: HubClient, address: str) -> None:
    server.plan = [said({"results": [], "next": address})]
    with pytest.raises(UnexpectedAnswer):
        list(client.signals())


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: list(client.matches()),
        lambda client: list(client.signals()),
        lambda client: client.look_up_range(MD5[0]),
    ],
)
def test_the_same_page_is_not_read_for_ever(server: Failing, client: HubClient, ask: Any) -> None:
    server.plan = [said({"results": [], "next": "/api/v1/matches?cursor=same"})]
    with pytest.raises(UnexpectedAnswer, match="same page"):
        ask(client)
    assert len(server.asked) == 2


def test_the_same_page_is_not_read_for_ever_in_asyncio(server: Failing) -> None:
    async def read() -> list[Any]:
        async with AsyncHubClient(server.url, KEY) as client:
            return [match async for match in client.matches()]

    server.plan = [said({"results": [], "next": "/api/v1/matches?cursor=same"})]
    with pytest.raises(UnexpectedAnswer, match="same page"):
        asyncio.run(read())


def found(*items: int) -> dict[str, Any]:
    return {"found": 0, "refused": 0, "results": [{"item": item, "status": f"of {item}"} for item in items]}


def test_results_of_a_look_up_are_put_in_the_order_of_what_was_asked(server: Failing, client: HubClient) -> None:
    server.plan = [said(found(2, 0, 1))]
    assert [(one.item, one.status) for one in client.look_up(MD5)] == [(0, "of 0"), (1, "of 1"), (2, "of 2")]


@pytest.mark.parametrize("items", [(0, 1), (0, 1, 2, 3), (0, 1, 1), (1, 2, 3), (0, 1, -1)])
def test_results_that_are_not_of_what_was_asked_are_refused(
    server: Failing, client: HubClient, items: tuple[int, ...]
) -> None:
    signals = [NewSignal(external_id=item.type, harm="other", severity="low", indicators=(item,)) for item in MD5]
    server.plan = [said(found(*items))]
    with pytest.raises(UnexpectedAnswer, match="not those"):
        client.look_up(MD5)

    rows = [{"row": item, "status": "created", "id": "x"} for item in items]
    server.plan = [said({"stored": 3, "refused": 0, "results": rows})]
    with pytest.raises(UnexpectedAnswer, match="not those"):
        client.submit_batch(signals)

    lines = [{"line": item + 1, "status": "created", "id": "x"} for item in items]
    upload = {"id": "u", "state": "done", "lines": 3, "created": 3, "updated": 0, "refused": 0}
    server.plan = [said(upload), said({"results": lines, "next": None})]
    if items != (0, 1, 2, 3):
        with pytest.raises(UnexpectedAnswer, match="not those"):
            list(client.bulk(signals))


@pytest.mark.parametrize("since", [None, datetime(2026, 1, 1, tzinfo=UTC)])
def test_moments_that_can_not_be_compared_are_refused_and_the_first_of_all_is_taken(
    server: Failing, client: HubClient, since: datetime | None
) -> None:
    one = signal(1, created_at="0001-01-01T00:00:00Z")
    match = {"id": "m", "signal": one, "related": [], "strength": 1, "verdict": "unreviewed"}
    watch = Watch(since)
    for _look in range(2):
        server.plan = [said({"results": [{**match, "created_at": "0001-01-01T00:00:00Z"}] * 2})]
        assert client.new_matches(watch) == []
    server.plan = [said({"results": [{**match, "created_at": "2026-01-01T00:00:00"}]})]
    with pytest.raises(UnexpectedAnswer):
        client.new_matches(watch)
