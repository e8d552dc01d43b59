"""One request to an address that a member chose: real sockets, a real resolver's answers, a real certificate."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from sharing.notifications import posting
from sharing.notifications.posting import Answer, post
from tests.notifications.certificates import write_certificate
from tests.notifications.receiver import Receiver, a_receiver, after, status

Error = posting.Error


def send(url: str) -> Answer:
    return post(url, headers={"webhook-id": "msg_1"}, body=b"{}")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Name -> the addresses that the resolver gives, one list for each time that it is asked; the last one stays."""
    known: dict[str, list[list[str]]] = {}
    plain = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host not in known:
            return plain(host, port, *rest, **more)
        answers = known[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for address in addresses for entry in plain(address, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


def test_a_success_is_one(receiver: Receiver) -> None:
    assert send(receiver.url) == Answer(204)
    assert receiver.received[0].headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (status(500), Answer(500, Error.STATUS)),
        (status(410), Answer(410, Error.GONE)),
        (status(429, Retry_After="120"), Answer(429, Error.STATUS, 120.0)),
        (status(503, Retry_After="soon"), Answer(503, Error.STATUS)),
        (status(503, Retry_After="9" * 400), Answer(503, Error.STATUS)),
        (status(500, Retry_After="Thu, 01 Jan 99999999999999999999 00:00:00 GMT"), Answer(500, Error.STATUS)),
        (status(500, Retry_After="Thu, 01 Jan 2026 00:00:00 +99999999999999"), Answer(500, Error.STATUS)),
    ],
)
def test_other_answers_are_failures(receiver: Receiver, reply: Any, answer: Answer) -> None:
    receiver.always = reply
    assert send(receiver.url) == answer


def test_retry_after_may_be_a_date(receiver: Receiver) -> None:
    receiver.always = status(503, Retry_After="Fri, 31 Dec 2100 23:59:59 GMT")
    assert (send(receiver.url).retry_after or 0) > 1_000_000


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(receiver: Receiver, code: int) -> None:
    with a_receiver() as elsewhere:
        receiver.always = status(code, Location=elsewhere.url)
        assert send(receiver.url) == Answer(code, Error.REDIRECT)
        assert elsewhere.received == []


def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert send(receiver.url).accepted
        assert proxy.received == []


def test_without_an_allowed_network_nothing_private_is_connected_to(receiver: Receiver, settings: LazySettings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    assert send(receiver.url) == Answer(error=Error.ADDRESS)
    assert receiver.received == []


def test_a_name_that_turns_to_loopback_is_refused_at_once(
    names: dict[str, list[list[str]]], settings: LazySettings
) -> None:
    """Whatever the name said before: what counts is what it says for this connection."""
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    names["turning.example"] = [["93.184.215.14"], ["127.0.0.1"]]
    assert socket.getaddrinfo("turning.example", 443)[0][4][0] == "93.184.215.14"
    with listening() as (port, connections):
        assert send(f"https://turning.example:{port}/") == Answer(error=Error.ADDRESS)
        assert connections == []


def test_the_connection_goes_to_the_address_that_was_checked(
    names: dict[str, list[list[str]]], settings: LazySettings
) -> None:
    """The name is asked once. Asked again it would lead to a server that waits for that."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.2/32"]
    with a_receiver("127.0.0.2") as checked, a_receiver("127.0.0.1", checked.port) as trap:
        names["turning.example"] = [["127.0.0.2"], ["127.0.0.1"]]
        assert send(f"http://turning.example:{checked.port}/").accepted
        assert trap.received == []
        assert checked.received[0].headers["host"] == f"turning.example:{checked.port}"


@pytest.mark.parametrize("addresses", [["93.184.215.14", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]])
def test_one_address_that_is_not_public_refuses_the_name(
    names: dict[str, list[list[str]]], settings: LazySettings, addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    monkeypatch.setattr(socket, "create_connection", refuse_to_connect)
    names["mixed.example"] = [addresses]
    assert send("https://mixed.example/") == Answer(error=Error.ADDRESS)


def refuse_to_connect(*_: Any, **__: Any) -> socket.socket:
    raise AssertionError("connected")


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Of hooks.example, from an authority that this machine trusts during the test."""
    authority, certificate = write_certificate(tmp_path, "hooks.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    posting._trusted.cache_clear()
    yield certificate
    posting._trusted.cache_clear()


def test_the_certificate_must_be_of_the_name(
    names: dict[str, list[list[str]]], settings: LazySettings, certificate: Path
) -> None:
    """Though the connection is to a number, the name is what is asked for and verified."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    names.update({"hooks.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]})
    with a_receiver(certificate=certificate) as receiver:
        assert send(f"https://hooks.example:{receiver.port}/hub") == Answer(204)
        assert receiver.received[0].headers["host"] == f"hooks.example:{receiver.port}"
        assert send(f"https://other.example:{receiver.port}/hub") == Answer(error=Error.TLS)
        posting._trusted.cache_clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("SSL_CERT_FILE")
            assert send(f"https://hooks.example:{receiver.port}/hub") == Answer(error=Error.TLS)
        assert len(receiver.received) == 1


def test_plain_http_where_encryption_is_expected(receiver: Receiver) -> None:
    assert send(receiver.url.replace("http:", "https:")) == Answer(error=Error.TLS)


def test_a_name_without_address(names: dict[str, list[list[str]]]) -> None:
    names["nowhere.example"] = [[]]
    assert send("https://nowhere.example/") == Answer(error=Error.NAME)


def test_a_resolver_that_hangs_does_not_hold_up(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1.5))
    began = time.monotonic()
    assert send("https://slow.example/") == Answer(error=Error.TIMEOUT)
    assert time.monotonic() - began < 1.2


def test_nobody_listens(settings: LazySettings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with listening() as (port, _connections):
        pass
    assert send(f"http://127.0.0.1:{port}/") == Answer(error=Error.CONNECTION)


def drip(part: bytes, every: float) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        for _ in range(1_000):
            connection.sendall(part)
            time.sleep(every)

    return talk


@pytest.mark.parametrize(
    "part",
    [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: y\r\n", b""],
    ids=["line", "100", "head", "no"],
)
def test_an_answer_that_drips_is_given_up_in_time(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, part: bytes
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.8)
    with listening(drip(part[:1] if part == b"H" else part, 0.05)) as (port, _connections):
        began = time.monotonic()
        answer = send(f"http://127.0.0.1:{port}/")
        assert time.monotonic() - began < 2
    assert answer.error in (Error.TIMEOUT, Error.PROTOCOL)
    assert part != b"" or answer.error == Error.TIMEOUT


def test_a_body_that_drips_after_the_status_is_a_success_in_time(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.5)

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b".")
            time.sleep(0.05)

    receiver.always = reply
    began = time.monotonic()
    assert send(receiver.url) == Answer(200)
    assert time.monotonic() - began < 2


def test_of_a_huge_answer_little_is_read(receiver: Receiver) -> None:
    taken = []

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        try:
            for number in range(10_000):
                handler.wfile.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
                taken.append(number)
        finally:
            handler.close_connection = True

    receiver.always = reply
    assert send(receiver.url) == Answer(200)
    # What the sockets' own buffers hold was taken from the receiver, and nothing reads it.
    assert len(taken) < 500


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000])
def test_what_is_not_http_is_a_failure(settings: LazySettings, said: bytes) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with listening(lambda connection: connection.sendall(said)) as (port, _connections):
        assert send(f"http://127.0.0.1:{port}/").error in (Error.PROTOCOL, Error.CONNECTION)


def test_a_slow_receiver_has_its_time(receiver: Receiver) -> None:
    receiver.always = after(0.3, status(200))
    assert send(receiver.url) == Answer(200)


@contextmanager
def listening(
    talk: Callable[[socket.socket], None] = lambda connection: None,
) -> Iterator[tuple[int, list[socket.socket]]]:
    """A port that accepts, and talks as told; gives the port and the connections that came."""
    server = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _address = server.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=converse, args=[connection], daemon=True).start()

    def converse(connection: socket.socket) -> None:
        try:
            talk(connection)
        except OSError:
            return
        finally:
            connection.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], connections
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
