"""Where a request came from, and whom that is counted under."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client, RequestFactory

from accounts.addresses import client_address, network_of

HERE = "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (HERE, HERE),
        (f"::ffff:{HERE}", HERE),
        ("2001:DB8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_an_address_has_one_spelling(peer: str, address: str) -> None:
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=peer)) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (HERE, HERE),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::9", "2001:db8:0:1::/64"),
        ("", ""),
    ],
)
def test_one_customer_is_one_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_another_address_of_the_same_network_is_not_another_stranger(settings: LazySettings) -> None:
    settings.API_ANONYMOUS_RATE_PER_MINUTE = 3
    statuses = [Client(REMOTE_ADDR=f"2001:db8::{number}").get("/api/v1/whoami").status_code for number in range(1, 8)]
    assert statuses.count(429) >= 1
