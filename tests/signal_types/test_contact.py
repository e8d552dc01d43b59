"""E-mail addresses, phone numbers and user names."""

from __future__ import annotations

import phonenumbers
import pytest

from sharing.signal_types import InvalidValue, get


def canonical(name: str, value: str, platform: str = "") -> str:
    return get(name).parse(value, platform=platform).decode()


def code_for(name: str, value: str, platform: str = "") -> str:
    with pytest.raises(InvalidValue) as caught:
        get(name).parse(value, platform=platform)
    return caught.value.code


@pytest.mark.parametrize(
    ("sent", "address"),
    [
        ("ANA@EXAMPLE.ORG", "ana@example.org"),
        ("ana.lopez+work@example.org", "ana.lopez+work@example.org"),
        ("ana@example.org.", "ana@example.org"),
        ("ana\uff20example.org", "ana@example.org"),
        ("ana\u200b@example.org", "ana@example.org"),
        ("ana@b\u00fccher.example", "ana@xn--bcher-kva.example"),
        ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
        ("ana@fa\u00df.example", "ana@xn--fa-hia.example"),
        ("\u0430\u043d\u044f@example.org", "\u0430\u043d\u044f@example.org"),
        ("ana..l.@docomo.example", "ana..l.@docomo.example"),
        ("o'neil_%x@example.org", "o'neil_%x@example.org"),
    ],
)
def test_one_form_of_an_email_address(sent: str, address: str) -> None:
    assert canonical("email", sent) == f"email:{address}"


def test_dots_and_tags_are_kept() -> None:
    forms = {canonical("email", f"{local}@gmail.com") for local in ("analopez", "ana.lopez", "analopez+x")}
    assert len(forms) == 3


@pytest.mark.parametrize(
    "value",
    [
        "ana",
        "ana@",
        "@example.org",
        "a@b@example.org",
        "ana@localhost",
        "ana@[8.8.8.8]",
        "ana@8.8.8.8",
        "Ana <ana@example.org>",
        "mailto:ana@example.org",
        '"ana lopez"@example.org',
        "ana lopez@example.org",
        "ana@exa_mple",
        "ana@-.",
        "ana@example..org",
        "a" * 65 + "@example.org",
        "\u00e9" * 33 + "@example.org",
        "a" * 64 + "@" + "a." * 95 + "example",
    ],
)
def test_what_is_no_email_address_is_refused(value: str) -> None:
    assert code_for("email", value) == "not_an_email"


@pytest.mark.parametrize(
    "sent",
    [
        "+442079460018",
        "+44 20 7946 0018",
        "+44 (0)20-7946-0018",
        "+44.20.7946.0018",
        "\uff0b44 20 7946 0018",
        "+\u0664\u0664 \u0662\u0660 \u0667\u0669\u0664\u0666 \u0660\u0660\u0661\u0668",
        "\u202a+44\u00a020\u20117946\u20110018\u202c",
    ],
)
def test_one_form_of_a_phone_number(sent: str) -> None:
    assert canonical("phone", sent) == "phone:+442079460018"


def test_a_leading_zero_that_belongs_to_the_number_stays() -> None:
    assert canonical("phone", "+39 06 1234567") == "phone:+39061234567"


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_each_country_s_mobile_number_is_taken_and_stays_itself(region: str) -> None:
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if number is None:
        number = phonenumbers.example_number(region)
    assert number is not None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    form = canonical("phone", written)
    assert canonical("phone", form.removeprefix("phone:")) == form


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("020 7946 0018", "no_country_code"),
        ("0044 20 7946 0018", "no_country_code"),
        ("ana", "no_country_code"),
        ("+44 20", "not_a_phone_number"),
        ("+44 20 7946 0018 00000", "not_a_phone_number"),
        ("+999 123456789", "not_a_phone_number"),
        ("+44 20 7946 0018 ext 5", "not_a_phone_number"),
        ("+1 800 FLOWERS", "not_a_phone_number"),
        ("+44 20 7946 0018;ext=5", "not_a_phone_number"),
        ("++44 20 7946 0018", "not_a_phone_number"),
        ("+\u00b2\u00b2 20 7946 0018", "not_a_phone_number"),
        ("+", "not_a_phone_number"),
    ],
)
def test_what_is_no_international_number_is_refused(value: str, code: str) -> None:
    assert code_for("phone", value) == code


@pytest.mark.parametrize("sent", ["ana_lopez", "@Ana_Lopez", "\uff21NA_lopez", "ana\u200d_lopez", " @ana_lopez "])
def test_one_form_of_a_user_name(sent: str) -> None:
    assert canonical("username", sent, "Chirper ") == "username:chirper:ana_lopez"


def test_the_same_name_on_another_platform_is_another_account() -> None:
    assert canonical("username", "ana", "chirper") != canonical("username", "ana", "chirper-2")


@pytest.mark.parametrize("value", ["ana@social.example", "@ana:matrix.example", "ana#1234", "17", "\u0622\u0646\u0627"])
def test_names_of_many_platforms_are_taken(value: str) -> None:
    assert canonical("username", value, "chirper").endswith(value.removeprefix("@"))


def test_a_long_name_in_lower_case_is_not_taken_for_a_hash() -> None:
    assert code_for("username", "AnaLopezFromLisboa2004", "chirper") == "unkeyed_hash"
    assert canonical("username", "analopezfromlisboa2004", "chirper") == "username:chirper:analopezfromlisboa2004"


@pytest.mark.parametrize(
    ("value", "platform", "code"),
    [
        ("ana", "", "platform_missing"),
        ("ana", "   ", "platform_missing"),
        ("ana", "chir per", "bad_platform"),
        ("ana", "a:b", "bad_platform"),
        ("ana", "-", "bad_platform"),
        ("ana", "x" * 65, "bad_platform"),
        ("Ana Lopez", "chirper", "not_a_username"),
        ("https://chirper.example/ana", "chirper", "not_a_username"),
        ("@", "chirper", "not_a_username"),
        ("___", "chirper", "not_a_username"),
        ("x" * 129, "chirper", "not_a_username"),
    ],
)
def test_what_is_no_user_name_is_refused(value: str, platform: str, code: str) -> None:
    assert code_for("username", value, platform) == code
