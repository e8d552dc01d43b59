"""Device identifiers."""

from __future__ import annotations

import pytest

from sharing.signal_types import InvalidValue, get

UUID = "6d92078a-8246-4ba4-ae5b-76104861e7dc"


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("490154203237518", "imei:490154203237518"),
        ("49-015420-323751-8", "imei:490154203237518"),
        ("49 015420 323751 8", "imei:490154203237518"),
        (
            "\u0664\u0669\u0660\u0661\u0665\u0664\u0662\u0660\u0663\u0662\u0663\u0667\u0665\u0661\u0668",
            "imei:490154203237518",
        ),
        ("AA:BB:CC:00:11:22", "mac:aa:bb:cc:00:11:22"),
        ("aa-bb-cc-00-11-22", "mac:aa:bb:cc:00:11:22"),
        ("aabb.cc00.1122", "mac:aa:bb:cc:00:11:22"),
        ("aabbcc001122", "mac:aa:bb:cc:00:11:22"),
        (UUID.upper(), f"uuid:{UUID}"),
    ],
)
def test_one_form_of_a_device_identifier(sent: str, canonical: str) -> None:
    assert get("device").parse(sent).decode() == canonical


def test_an_undashed_uuid_is_refused_with_the_mend() -> None:
    with pytest.raises(InvalidValue) as caught:
        get("device").parse(UUID.replace("-", ""))
    assert caught.value.code == "unkeyed_hash"
    assert "Send UUIDs with dashes." in caught.value.mend


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("490154203237519", "bad_check_digit"),
        ("4901542032375180", "not_a_device"),
        ("49015420323751", "not_a_device"),
        ("aa:bb-cc:00:11:22", "not_a_device"),
        ("aa:bb:cc:00:11", "not_a_device"),
        ("aa:bb:cc:00:11:2g", "not_a_device"),
        (UUID[:-1], "not_a_device"),
        ("my phone", "not_a_device"),
        ("00:00:00:00:00:00", "shared_by_many"),
        ("020000000000", "shared_by_many"),
        ("FF-FF-FF-FF-FF-FF", "shared_by_many"),
        ("00000000-0000-0000-0000-000000000000", "shared_by_many"),
        ("000000000000000", "shared_by_many"),
        ("004999010640000", "shared_by_many"),
    ],
)
def test_what_identifies_no_device_is_refused(value: str, code: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        get("device").parse(value)
    assert caught.value.code == code
