"""What a request may be made of: any charset named, any length, NUL and files in it; and what of it reaches a log."""

from __future__ import annotations

import importlib
import io
import json
import logging
import socket
import tempfile
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.signals import request_started
from django.db import close_old_connections
from django.test import Client, RequestFactory
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.http.body import Body, ChunkedReader  # type: ignore[import-untyped]
from gunicorn.http.errors import InvalidRequestLine  # type: ignore[import-untyped]
from gunicorn.http.unreader import IterUnreader  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from accounts.models import ApiClient
from hub.incoming import HubHandler, without_charset
from sharing.signals.models import Signal
from tests import factories

pytestmark = pytest.mark.django_db

# Codecs of Python that are no charsets, or that fail, or that are none.
CODECS = ["rot13", "hex", "zlib", "bz2", "undefined", "idna", "punycode", "uu", "utf-7", "unicode_escape", "nonsense"]
LIMIT = 1_000


@pytest.fixture
def handler() -> Iterator[HubHandler]:
    # It would take the test's transaction for one that was left open.
    request_started.disconnect(close_old_connections)
    yield HubHandler()
    request_started.connect(close_old_connections)


class Answer:
    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = int(status[:3]), dict(headers), body.decode()


def ask(handler: HubHandler, method: str, address: str, *, body: Any = None, **environ: Any) -> Answer:
    """Through the WSGI door, which Django's test client goes around."""
    path, _, query = address.partition("?")
    told: list[Any] = []
    whole = RequestFactory()._base_environ(PATH_INFO=path, QUERY_STRING=query, REQUEST_METHOD=method)
    content = handler(
        {**whole, "wsgi.input": body or io.BytesIO(), **environ}, lambda status, headers: told.extend((status, headers))
    )
    return Answer(told[0], told[1], b"".join(content))


@pytest.mark.parametrize("charset", CODECS)
@pytest.mark.parametrize("form", ["charset={}", 'CHARSET="{}"', "charset*={}''%41", "a*={}''%ff"])
def test_a_charset_that_is_named_changes_nothing(handler: HubHandler, charset: str, form: str) -> None:
    named = {"CONTENT_TYPE": f"text/plain; {form.format(charset)}"}
    answer = ask(handler, "GET", "/signals?text=a%20b", **named)
    assert (answer.status, answer.headers["Location"]) == (302, "/sign-in?next=/signals%3Ftext%3Da%2520b")
    answer = ask(handler, "GET", "/api/v1/signals?text=a%20b", **named)
    assert (answer.status, answer.headers["Content-Type"]) == (401, "application/problem+json")


@pytest.mark.parametrize("charset", CODECS)
@pytest.mark.parametrize("media_type", ["multipart/form-data; boundary=part", "application/x-www-form-urlencoded"])
def test_forms_are_utf_8_whatever_they_say(handler: HubHandler, charset: str, media_type: str) -> None:
    token = "t" * 32
    body = {
        "m": f'--part\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{token}\r\n--part--\r\n',
        "a": f"csrfmiddlewaretoken={token}",
    }[media_type[0]].encode()
    answer = ask(
        handler,
        "POST",
        "/sign-in",
        body=io.BytesIO(body),
        CONTENT_TYPE=f"{media_type}; charset={charset}",
        CONTENT_LENGTH=str(len(body)),
        HTTP_COOKIE=f"csrftoken={token}",
    )
    assert answer.status == 200
    assert "This field is required" in answer.body


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("application/json", "application/json"),
        ("application/json; charset=utf-16", "application/json"),
        ('multipart/form-data; charset=hex; Boundary="a;b"; x=y', 'multipart/form-data; Boundary="a;b"'),
        ("multipart/form-data;boundary=ab;charset=hex", "multipart/form-data;boundary=ab"),
    ],
)
def test_of_a_content_type_only_what_the_hub_goes_by_is_kept(given: str, kept: str) -> None:
    assert without_charset(given) == kept


def chunked(parts: Iterable[bytes], end: bytes = b"0\r\n\r\n") -> dict[str, Any]:
    """A body as gunicorn hands it on."""
    stream = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end
    body = Body(ChunkedReader(SimpleNamespace(), IterUnreader(iter([stream]))))
    return {"body": body, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}


@pytest.fixture
def bearer() -> dict[str, str]:
    organisation = factories.make_organisation("alpha")
    factories.give(organisation, factories.make_group("watch"))
    key = factories.make_client(organisation)[1]
    return {"HTTP_AUTHORIZATION": f"Bearer {key}", "CONTENT_TYPE": "application/json"}


def signal(**more: str) -> bytes:
    return json.dumps(
        {
            "kind": "content",
            "harm": "human_trafficking",
            "severity": "high",
            "sharing_groups": ["watch"],
            "indicators": [{"type": "md5", "value": "ab" * 16}],
            **more,
        }
    ).encode()


@pytest.mark.parametrize(("frames", "second"), [(1, 200), (150, 429)])
def test_a_look_up_in_chunks_counts_by_what_its_body_turns_out_to_be(
    handler: HubHandler, bearer: dict[str, str], frames: int, second: int
) -> None:
    """Its length is not announced: it is neither taken for the longest there may be nor for none."""
    ApiClient.objects.update(rate_per_minute=2)
    video = [{"hash": f"{number:064x}", "quality": 90, "timestamp": number} for number in range(frames)]
    body = json.dumps({"items": [{"type": "vpdq", "value": video}]}).encode()
    answers = [ask(handler, "POST", "/api/v1/lookups", **bearer, **chunked([body])).status for _ in range(2)]
    assert answers == [200, second]


@pytest.mark.parametrize("body", [b"[" * 40_000, b" " * 100_000], ids=["no JSON", "too large"])
def test_a_look_up_in_chunks_that_can_not_be_read_counts_by_what_was_read_of_it(
    handler: HubHandler, bearer: dict[str, str], settings: LazySettings, body: bytes
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 50_000
    ApiClient.objects.update(rate_per_minute=4)
    answers = [ask(handler, "POST", "/api/v1/lookups", **bearer, **chunked([body])).status for _ in range(3)]
    assert answers[0] in {400, 413}
    assert answers[1:] == [429, 429]


@pytest.mark.parametrize("path", ["/api/v1/lookups", "/api/v1/identifiers/evaluate", "/api/v1/signals"])
def test_a_body_in_chunks_that_breaks_off_counts_by_what_came_of_it(
    handler: HubHandler, bearer: dict[str, str], path: str
) -> None:
    ApiClient.objects.update(rate_per_minute=4)
    answers = [ask(handler, "POST", path, **bearer, **chunked([], b"500\r\nabc")).status for _ in range(5)]
    assert answers == [400, 400, 400, 400, 429]


@pytest.mark.parametrize("in_chunks", [True, False])
def test_a_body_of_any_kind_counts_by_its_size(handler: HubHandler, bearer: dict[str, str], in_chunks: bool) -> None:
    ApiClient.objects.update(rate_per_minute=4)
    long = signal() + b" " * 3 * 256 * 1024

    def answer() -> int:
        body = chunked([long]) if in_chunks else {"body": io.BytesIO(long), "CONTENT_LENGTH": str(len(long))}
        return ask(handler, "POST", "/api/v1/signals", **bearer, **body).status

    assert [answer(), answer()] == [201, 429]


def test_chunks_in_another_encoding_are_refused(handler: HubHandler, bearer: dict[str, str]) -> None:
    sent = chunked([signal()]) | {"HTTP_TRANSFER_ENCODING": "gzip, chunked"}
    answer = ask(handler, "POST", "/api/v1/signals", **sent, **bearer)
    assert (answer.status, Signal.objects.count()) == (400, 0)
    assert "in no other Transfer-Encoding" in json.loads(answer.body)["detail"]


def test_a_body_without_a_length_is_read(handler: HubHandler, bearer: dict[str, str]) -> None:
    sent = signal()
    answer = ask(handler, "POST", "/api/v1/signals", **chunked([sent[:40], sent[40:41], sent[41:]]), **bearer)
    assert answer.status == 201
    assert Signal.objects.count() == 1


def test_a_body_without_a_length_may_be_as_large_as_any_other(
    handler: HubHandler, bearer: dict[str, str], settings: LazySettings
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LIMIT
    full = signal(summary="x").ljust(LIMIT)
    assert ask(handler, "POST", "/api/v1/signals", **chunked([full[:600], full[600:]]), **bearer).status == 201
    over = ask(handler, "POST", "/api/v1/signals", **chunked([full, b" "]), **bearer)
    assert (over.status, over.headers["Content-Type"]) == (413, "application/problem+json")
    assert Signal.objects.count() == 1


@pytest.mark.parametrize("end", [b"", b"5\r\nab", b"zz\r\n"])
def test_a_body_that_breaks_off_is_a_bad_request(handler: HubHandler, bearer: dict[str, str], end: bytes) -> None:
    answer = ask(handler, "POST", "/api/v1/signals", **chunked([signal()], end), **bearer)
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert "broke off" in json.loads(answer.body)["detail"]
    assert Signal.objects.count() == 0


def lines(*ends: str) -> bytes:
    return b"".join(signal(external_id=end) + b"\n" for end in ends)


def bulk(bearer: dict[str, str], name: str) -> dict[str, str]:
    return {**bearer, "CONTENT_TYPE": "application/x-ndjson", "HTTP_IDEMPOTENCY_KEY": name}


def test_a_bulk_upload_without_a_length_may_be_larger_and_has_a_limit_of_its_own(
    handler: HubHandler, bearer: dict[str, str], settings: LazySettings
) -> None:
    path = "/api/v1/signals/bulk"
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LIMIT
    sent = lines(*map(str, range(20)))
    assert len(sent) > LIMIT
    answer = ask(handler, "POST", path, **chunked([sent[:700], sent[700:]]), **bulk(bearer, "whole"))
    assert (answer.status, json.loads(answer.body)["created"]) == (200, 20)
    settings.STREAMED_BODIES = {path: LIMIT}
    assert ask(handler, "POST", path, **chunked([sent]), **bulk(bearer, "over")).status == 413


@pytest.mark.parametrize("end", [b"", b"5\r\nab", b"zz\r\n"])
def test_a_bulk_upload_that_breaks_off_goes_on_where_reading_ended(
    handler: HubHandler, bearer: dict[str, str], end: bytes
) -> None:
    whole = lines(*map(str, range(1_500)))
    sent = chunked([whole[:90_000], whole[90_000:-9]], end)
    answer = ask(handler, "POST", "/api/v1/signals/bulk", **sent, **bulk(bearer, "key"))
    assert (answer.status, json.loads(answer.body)["errors"][0]["code"]) == (400, "broken_off")
    assert 0 < Signal.objects.count() < 1_500
    answer = ask(handler, "POST", "/api/v1/signals/bulk", **chunked([whole]), **bulk(bearer, "key"))
    assert (json.loads(answer.body)["created"], Signal.objects.count()) == (1_500, 1_500)


def test_without_an_end_of_its_own_a_body_without_a_length_is_not_waited_for(
    handler: HubHandler, bearer: dict[str, str]
) -> None:
    body = chunked([signal()]) | {"wsgi.input_terminated": False}
    assert ask(handler, "POST", "/api/v1/signals", **body, **bearer).status == 400


NUL_COOKIE = r'sessionid="\000aaaaaaaaaaaaaaaaa"'


@pytest.mark.parametrize("address", ["/", "/sign-in", "/admin/", "/api/v1/signals"])
def test_nul_in_a_cookie_is_a_bad_request(address: str) -> None:
    answer = Client().get(address, headers={"cookie": NUL_COOKIE})
    assert answer.status_code == 400
    assert "NUL" in answer.content.decode()


@pytest.mark.parametrize("address", ["/signals/new?tlp=%00", "/signals?%00=a", "/nothing%00", "/api/v1/%00"])
def test_nul_in_an_address_is_a_bad_request(address: str) -> None:
    client = Client()
    client.force_login(factories.make_user(), backend="accounts.backends.MemberBackend")
    assert client.get(address).status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        "accounts/user/?role__exact=%00",
        "accounts/user/?organisation__kind__exact=%00",
        "accounts/user/add/?organisation=%00",
        "accounts/organisation/?status__exact=%00",
        "sharing/signal/?harm__exact=%00",
        "sharing/rematch/?state__exact=%00",
        "sharing/flood/?decision=%00",
        "autocomplete/?app_label=accounts&model_name=user&field_name=organisation&term=%00",
    ],
)
def test_nul_in_a_filter_of_the_administration_is_a_bad_request(address: str) -> None:
    operator = factories.make_operator().user
    assert operator is not None
    client = Client()
    client.force_login(operator, backend="accounts.backends.MemberBackend")
    assert client.get(f"/admin/{address}").status_code == 400


def test_nul_in_a_form_is_a_bad_request() -> None:
    for form in ({"username": "a\0b", "password": "x"}, {"\0": "x"}):
        answer = Client().post("/sign-in", form)
        assert answer.status_code == 400
        assert "NUL" in answer.content.decode()


@pytest.mark.parametrize("enforce", [False, True], ids=["with the form's token", "without it"])
def test_a_file_is_refused_and_nothing_of_it_reaches_the_disk(enforce: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(tempfile, "_mkstemp_inner", lambda *name: opened.append(name))
    picture = io.BytesIO(b"x" * 4_000_000)
    picture.name = "picture.jpg"
    client = Client(enforce_csrf_checks=enforce)
    client.cookies["csrftoken"] = "t" * 32
    answer = client.post("/sign-in", {"username": "a", "file": picture})
    assert opened == []
    assert answer.status_code == 400
    assert "The hub takes no files" in answer.content.decode()


@pytest.fixture
def gunicorn_log() -> Iterator[io.StringIO]:
    """What gunicorn's own log writes, once the web process has loaded its door."""
    importlib.import_module("hub.wsgi")
    config, written = Config(), io.StringIO()
    log, stream = Logger(config).error_log, logging.StreamHandler(written)
    before, log.handlers = log.handlers, [stream]
    yield written
    log.handlers = before


def fail(request: Any, error: Exception) -> None:
    config = Config()
    worker = ThreadWorker(0, 0, [], None, 30, config, Logger(config))
    worker.log.error_log.handlers = logging.getLogger("gunicorn.error").handlers
    ours, theirs = socket.socketpair()
    with ours, theirs:
        try:
            raise error
        except Exception as caught:
            worker.handle_error(request, ours, ("2001:db8::1", 1), caught)


def test_gunicorn_writes_no_address_that_was_asked_for(gunicorn_log: io.StringIO) -> None:
    asked = SimpleNamespace(method="GET", uri="/signals?text=planted@example.org", version=(1, 1), query="", body=None)
    fail(asked, LookupError("planted@example.org is no codec"))
    written = gunicorn_log.getvalue()
    assert "planted" not in written
    assert written.startswith("Error handling request (LookupError)")
    assert "test_incoming.py" in written


def test_gunicorn_writes_nothing_of_a_malformed_request(gunicorn_log: io.StringIO) -> None:
    fail(None, InvalidRequestLine("GET planted@example.org"))
    assert gunicorn_log.getvalue() == "Invalid request from ip=2001:db8::1 (InvalidRequestLine)\n"
