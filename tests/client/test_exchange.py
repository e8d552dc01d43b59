"""What the client does when a hub, or what stands between, fails: a server that does so on purpose, over real HTTP."""

from __future__ import annotations

import logging
import socket
from typing import Any

import pytest

from hub_client import (
    HubClient,
    HubFailed,
    HubUnavailable,
    Indicator,
    NewSignal,
    NoAnswer,
    Retries,
    TooManyRequests,
    UnexpectedAnswer,
)
from tests.client.failing import BROKEN_OFF, KEY, ME, Failing, said


def a_signal(reference: str | None) -> NewSignal:
    return NewSignal(
        external_id=reference, harm="people_smuggling", severity="low", indicators=(Indicator("md5", "a1" * 16),)
    )


@pytest.mark.parametrize(
    "failure",
    [
        said({"detail": "Try again in a moment."}, 503, **{"Retry-After": "0"}),
        said({}, 429, **{"Retry-After": "0"}),
        said({}, 429, **{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        (502, {}, b"<html>a proxy's page</html>"),
        (BROKEN_OFF, {}, b""),
        said({}, 500),
    ],
)
def test_what_passes_is_tried_again(server: Failing, client: HubClient, failure: Any) -> None:
    server.plan = [failure, said(ME)]

    assert client.whoami().organisation.slug == "a"
    assert len(server.asked) == 2


def test_it_gives_up_in_the_end(server: Failing, client: HubClient) -> None:
    server.plan = [said({"detail": "Busy."}, 503)]

    with pytest.raises(HubUnavailable, match="Busy"):
        client.whoami()
    assert len(server.asked) == 4


def test_it_waits_as_long_as_it_is_told_but_not_for_ever(server: Failing, client: HubClient) -> None:
    server.plan = [said({}, 429, **{"Retry-After": "86400"})]

    with pytest.raises(TooManyRequests) as caught:
        client.whoami()
    assert caught.value.retry_after == 86_400
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("Your quota of 9 in a day (UTC) is used up. Go on tomorrow.", "Go on tomorrow. (HTTP 429)"),
        ("Request was throttled. Expected available in 9 seconds.", "ask the administrators for more. (HTTP 429)"),
        ("Too many requests", "ask the administrators for more. (HTTP 429)"),
    ],
)
def test_the_hubs_own_mend_counts_before_the_general_one(
    server: Failing, client: HubClient, detail: str, told: str
) -> None:
    server.plan = [said({"detail": detail}, 429, **{"Retry-After": "9999"})]
    with pytest.raises(TooManyRequests) as caught:
        client.whoami()
    assert str(caught.value).endswith(told)
    assert "a minute" not in str(caught.value) or "tomorrow" not in str(caught.value)


def test_a_defect_of_the_hub_is_tried_once_more_and_told(server: Failing, client: HubClient) -> None:
    server.plan = [said({}, 500)]

    with pytest.raises(HubFailed):
        client.whoami()
    assert len(server.asked) == 2


@pytest.mark.parametrize("failure", [(BROKEN_OFF, {}, b""), (502, {}, b""), said({}, 500)])
def test_what_may_have_been_stored_is_sent_again_only_under_an_external_id(
    server: Failing, client: HubClient, failure: Any
) -> None:
    server.plan = [failure]
    with pytest.raises((NoAnswer, HubUnavailable, HubFailed)):
        client.submit(a_signal(None))
    assert len(server.asked) == 1

    with pytest.raises((NoAnswer, HubUnavailable, HubFailed)):
        client.submit(a_signal("ad-1"))
    assert len(server.asked) > 2


def test_a_503_says_that_nothing_was_stored(server: Failing, client: HubClient) -> None:
    server.plan = [said({}, 503)]
    with pytest.raises(HubUnavailable):
        client.submit(a_signal(None))
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "answer", [(200, {}, b"<html>"), (200, {}, b'{"x": 1}'), (200, {}, b"\xff"), (302, {"Location": "/x"}, b"")]
)
def test_what_is_no_hub_is_told_so(server: Failing, client: HubClient, answer: Any) -> None:
    server.plan = [answer]

    with pytest.raises(UnexpectedAnswer):
        client.whoami()
    assert len(server.asked) == 1


def test_the_next_page_is_asked_of_the_same_hub_whatever_address_it_names(server: Failing, client: HubClient) -> None:
    server.plan = [
        said({"results": [], "next": "https://elsewhere.example/api/v1/signals?cursor=abc&limit=2"}),
        said({"results": [], "next": None}),
    ]

    assert list(client.signals(limit=2)) == []
    assert [path for path, _body in server.asked] == ["/api/v1/signals?limit=2", "/api/v1/signals?cursor=abc&limit=2"]


def test_nobody_at_the_address(client: HubClient, server: Failing) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        HubClient(f"http://127.0.0.1:{port}", KEY, retries=Retries(attempts=2, first=0.01)) as lost,
        pytest.raises(NoAnswer, match="can't be reached") as caught,
    ):
        lost.whoami()
    assert not caught.value.maybe_done


def test_neither_key_nor_values_are_logged_or_shown(
    server: Failing, client: HubClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.plan = [said({"detail": "No."}, 400)]
    signal = a_signal("ad-1")

    with pytest.raises(Exception, match="No") as caught:
        client.submit(signal)

    shown = "\n".join([caplog.text, repr(client), repr(caught.value), repr(signal), repr(signal.indicators)])
    assert "s" * 43 not in shown
    assert "a1" * 16 not in shown
