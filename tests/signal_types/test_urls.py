"""URLs: the canonical form of the published rule."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharing.signal_types import InvalidValue, get
from sharing.signal_types.urls import LONGEST_URL, TRACKING_PARAMETERS, canonical_url

PATH_PIECES = [
    *"/?&=#+%.;:@~!$'()*,[]|^`{} <>\"-_aZ\u00e9\u0301\u212b\u200d\U0001f600",
    *("%2F", "%2f", "%c3%a9", "%ff", "%25", "%41", "%2e", "%26", "%3d", "%20", "%23", "%cc%81"),
    *("..", "//", "a=b", "utm_a=1", "fbclid"),
]
HOSTS = [
    *("example.com", "EXAMPLE.com.", "a_b.example.org:8080", "8.8.8.8", "[2606:4700:4700::1111]:80"),
    *("b\u00fccher.example", "xn--bcher-kva.example", "fa\u00df.example", "\u4f8b\u3048.jp"),
    "example\u3002com:443",
]


def code_for(value: str) -> str:
    with pytest.raises(InvalidValue) as caught:
        get("url").parse(value)
    return caught.value.code


@settings(max_examples=500)
@given(
    scheme=st.sampled_from(["http", "HTTPS"]),
    host=st.sampled_from(HOSTS),
    rest=st.lists(st.sampled_from(PATH_PIECES) | st.characters(exclude_categories=["Cs"]), max_size=15).map("".join),
)
def test_a_canonical_form_is_ascii_and_its_own_canonical_form(scheme: str, host: str, rest: str) -> None:
    try:
        canonical = canonical_url(f"{scheme}://{host}/{rest}")
    except InvalidValue:
        return
    assert canonical_url(canonical) == canonical
    assert canonical.isascii()
    assert canonical.startswith("https://")
    assert "#" not in canonical


def test_a_hash_by_the_published_rule_equals_the_hub_s() -> None:
    url = get("url")
    canonical = "https://www.example.com/listing?id=42"
    by_member = hashlib.sha256(canonical.encode()).hexdigest()
    assert url.parse("HTTP://WWW.example.com/listing/?id=42#x") == url.parse(by_member) == url.parse(by_member.upper())


@pytest.mark.parametrize(
    "parameter", [*sorted(TRACKING_PARAMETERS), "utm_source", "UTM_Whatever", "utm%5Fmedium", "GCLID"]
)
def test_tracking_parameters_go(parameter: str) -> None:
    assert canonical_url(f"https://example.com/?{parameter}=1&id=2") == "https://example.com/?id=2"
    assert canonical_url(f"https://example.com/?{parameter}") == "https://example.com/"


@pytest.mark.parametrize("parameter", ["ref", "s", "t", "si", "id", "autm_x", "fbclid2"])
def test_parameters_that_may_name_content_stay(parameter: str) -> None:
    assert canonical_url(f"https://example.com/?{parameter}=1") == f"https://example.com/?{parameter}=1"


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("https://example.com/?b=1&a=2&b=0", "https://example.com/?a=2&b=1&b=0"),
        ("https://example.com/A", "https://example.com/A"),
        ("https://example.com/a/./b/../c", "https://example.com/a/c"),
        ("https://example.com/../..", "https://example.com/"),
        ("https://example.com?x", "https://example.com/?x"),
        ("http://example.com:8080/", "https://example.com:8080/"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("https://example.com:/", "https://example.com/"),
        ("https://fa\u00df.example/", "https://xn--fa-hia.example/"),
        ("https://EXAMPLE\u3002com/", "https://example.com/"),
        ("https://a_b.example.com/", "https://a_b.example.com/"),
        ("https://xn--i-7iq.example/", "https://xn--i-7iq.example/"),
        ("http://[::ffff:8.8.8.8]/", "https://8.8.8.8/"),
        ("http://[2606:4700:4700:0:0:0:0:1111]/", "https://[2606:4700:4700::1111]/"),
        ("https://example.com/a b", "https://example.com/a%20b"),
        ("https://example.com/a@b:c", "https://example.com/a@b:c"),
    ],
)
def test_equal_addresses_get_one_form(sent: str, canonical: str) -> None:
    assert canonical_url(sent) == canonical


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("example.com", "not_a_web_address"),
        ("//example.com/", "not_a_web_address"),
        ("https:example.com", "not_a_web_address"),
        ("javascript:alert(1)", "not_a_web_address"),
        ("https://ana:pw@example.com/", "user_information"),
        ("https://@example.com/", "user_information"),
        ("https://example.com\\@other.example/", "backslash"),
        ("https://example.com/#/profile/7", "page_in_fragment"),
        ("https://example.com/a\nb", "control_character"),
        ("https:///path", "bad_host"),
        ("https://localhost/", "bad_host"),
        ("https://a..example.com/", "bad_host"),
        ("https://ex%61mple.com/", "bad_host"),
        ("https://exa mple.com/", "bad_host"),
        ("https://\u2764.example/", "bad_host"),
        ("https://127.0.0.1/", "bad_host"),
        ("https://10.1.2.3/", "bad_host"),
        ("https://2130706433/", "bad_host"),
        ("https://0x7f.1/", "bad_host"),
        ("https://[fe80::1%25eth0]/", "bad_host"),
        ("https://[::1]/", "bad_host"),
        ("https://[8.8.8.8]/", "bad_host"),
        ("https://2606:4700:4700::1111/", "bad_host"),
        ("https://example.com:port/", "bad_host"),
        ("https://example.com:\u0668\u0660/", "bad_host"),
        ("https://example.com:0/", "bad_port"),
        ("https://example.com:65536/", "bad_port"),
        ("https://" + "a" * 64 + ".com/", "bad_host"),
        ("https://" + "a." * 126 + "com/", "bad_host"),
        ("https://example.com/" + "a" * LONGEST_URL, "too_long"),
        ("https://example.com/" + "\u00e9" * 1000, "too_long"),
        ("5d41402abc4b2a76b9719d911017c592", "wrong_digest"),
        ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "hash_of_nothing"),
    ],
)
def test_what_is_no_public_web_address_is_refused(value: str, code: str) -> None:
    assert code_for(value) == code
