"""Which addresses are called, and which URLs are taken."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from hub.errors import Invalid
from sharing.notifications.addresses import may_call, read_url

PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
NOT_PUBLIC = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "100.64.0.1", "169.254.169.254", "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.5", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1", "3fff::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1",
    "", "localhost", "127.1", "0x7f000001", "2130706433",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called_when_encrypted(address: str) -> None:
    assert may_call(address, port=443, encrypted=True)
    assert not may_call(address, port=443, encrypted=False)
    assert not may_call(address, port=6379, encrypted=True)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_other_is(address: str) -> None:
    assert not may_call(address, port=443, encrypted=True)


def test_what_the_operators_allow_is_called_in_any_way(settings: LazySettings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["10.20.0.0/16", "fd00:20::/32"]
    for address in ("10.20.1.1", "::ffff:10.20.1.1", "64:ff9b::a14:101", "fd00:20::1"):
        assert may_call(address, port=8080, encrypted=False), address
    for address in ("10.21.1.1", "127.0.0.1", "fd00:21::1"):
        assert not may_call(address, port=443, encrypted=True), address


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("https://hooks.example.org", "https://hooks.example.org/"),
        ("HTTPS://Hooks.Example.ORG:443/a?b=c", "https://hooks.example.org/a?b=c"),
        ("https://hooks.example.org:8443/a%20b", "https://hooks.example.org:8443/a%20b"),
        ("https://bücher.example/grüße", "https://xn--bcher-kva.example/gr%C3%BC%C3%9Fe"),
        ("https://xn--bcher-kva.example./", "https://xn--bcher-kva.example/"),
    ],
)
def test_urls_are_stored_in_one_form(sent: str, stored: str) -> None:
    assert read_url(sent) == stored
    assert read_url(stored) == stored


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("http://hooks.example.org/", "not_encrypted"),
        ("ftp://hooks.example.org/", "form"),
        ("//hooks.example.org/", "form"),
        ("hooks.example.org", "form"),
        ("https://", "form"),
        ("https://hooks.example.org:99999/", "form"),
        ("https://[::1", "form"),
        ("https://user:secret@hooks.example.org/", "credentials"),
        ("https://hooks.example.org@127.0.0.1/", "credentials"),
        ("https://@hooks.example.org/", "credentials"),
        ("https://hooks.example.org/#here", "fragment"),
        ("https://hooks.example.org:22/", "port"),
        ("https://hooks.example.org:80/", "port"),
        ("https://hooks.example.org:0/", "port"),
        ("https://localhost/", "host"),
        ("https://127.0.0.1/", "host"),
        ("https://[::1]/", "host"),
        ("https://2130706433/", "host"),
        ("https://0x7f.1/", "host"),
        ("https://①②⑦.⓪.⓪.①/", "host"),
        ("https://hooks.example.org\\@127.0.0.1/", "characters"),
        ("https://hooks.example.org/\r\nX: y", "characters"),
        ("https://hooks.example.org/a b", "characters"),
        ("https://hooks.example.org/?to=somebody@example.org", "identifier_in_text"),
        ("https://hooks.example.org/" + "a" * 500, "too_long"),
    ],
)
def test_urls_that_are_never_right_are_refused(sent: str, code: str) -> None:
    with pytest.raises(Invalid) as raised:
        read_url(sent)
    (problem,) = raised.value.problems
    assert (problem.path, problem.code) == ("/url", code)
    assert problem.mend


def test_own_networks_allow_plain_http_any_port_and_numbers(settings: LazySettings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    for url in ("http://127.0.0.1:8080/", "http://receiver:8080/", "https://[::1]:9443/", "https://hub.internal:9443/"):
        assert read_url(url) == url
