"""Identifiers by which people are reached: e-mail, phone, user name. Ground floor."""

from __future__ import annotations

import re

import phonenumbers

from .contract import InvalidValue
from .contract import gettext_noop as _
from .hosts import canonical_domain
from .keyed import KeyedType
from .unicode_rules import ascii_digits, fold

# Dots may stand anywhere: some mobile carriers gave out addresses with doubled and final dots.
_LOCAL_PART = re.compile(r"[^\s@\"(),:;<>\[\]\\]+")
_LONGEST_LOCAL_PART = 64  # bytes, RFC 5321, section 4.5.3.1.1
_LONGEST_ADDRESS = 254  # bytes, RFC 3696, erratum 1690
_PHONE = re.compile(r"\+[0-9\s().\-/\u2010-\u2015]{5,40}")
_PLATFORM = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_NOT_IN_USERNAME = re.compile(r"[\s/\\]")
_LONGEST_USERNAME = 128


class Email(KeyedType):
    """An e-mail address. Dots and plus tags are kept: what they mean differs from provider to provider."""

    name = "email"
    title = _("E-mail address")
    description = _("An e-mail address. The hub keeps only a keyed token of it.")
    example = "ana.lopez@example.org"

    def canonical(self, text: str, platform: str) -> str:
        sent_local, at, domain = text.rpartition("@")
        local = fold(sent_local)
        # Folding would turn a sharp s of the domain into ss, which is another domain.
        ascii_domain = canonical_domain(domain)
        address = f"{local}@{ascii_domain}"
        if (
            not at
            or ascii_domain is None
            or not _LOCAL_PART.fullmatch(local)
            or len(local.encode()) > _LONGEST_LOCAL_PART
            or len(address.encode()) > _LONGEST_ADDRESS
        ):
            raise InvalidValue(
                "not_an_email",
                _("The value is not an e-mail address."),
                _("Send the bare address: name, @ and domain, without a display name or angle brackets."),
            )
        return f"email:{address}"


class Phone(KeyedType):
    """A phone number in E.164 form (ITU-T E.164).

    Possible by its length and country code, not necessarily in a range known to be in use: the lists of
    ranges lag behind, and refusing a new one would lose a real number.
    """

    name = "phone"
    title = _("Phone number")
    description = _("A phone number with + and its country code. The hub keeps only a keyed token of it.")
    example = "+44 20 7946 0018"

    def canonical(self, text: str, platform: str) -> str:
        digits = ascii_digits(text)
        if not digits.startswith("+"):
            raise InvalidValue(
                "no_country_code",
                _("The phone number does not start with + and a country code."),
                _("Write it in international form: +, country code, number."),
            )
        number = _parsed(digits) if _PHONE.fullmatch(digits) else None
        if number is None:
            raise InvalidValue(
                "not_a_phone_number",
                _("The value is not a phone number that its country's numbering allows."),
                _("Check the country code and the number of digits; leave out extensions and words."),
            )
        return f"phone:{phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)}"


def _parsed(text: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None
    verdict = phonenumbers.is_possible_number_with_reason(number)
    return number if verdict == phonenumbers.ValidationResult.IS_POSSIBLE else None


class Username(KeyedType):
    """The name of an account, on one platform."""

    name = "username"
    title = _("User name")
    description = _("An account's name on one platform. The hub keeps only a keyed token of it and the platform.")
    example = "@Ana_Lopez"
    needs_platform = True
    digest_mend = _(
        "Give the user name itself: it becomes a token under a key of the hub, and only the token is stored. "
        "If this is a real user name, send it in lower case."
    )

    def canonical(self, text: str, platform: str) -> str:
        slug = platform.strip().lower()
        if not slug:
            raise InvalidValue(
                "platform_missing",
                _("A user name means nothing without its platform."),
                _("Name the platform beside the user name."),
            )
        if not _PLATFORM.fullmatch(slug):
            raise InvalidValue(
                "bad_platform",
                _("The platform is not a short name."),
                _("Use letters a to z, digits, hyphens and underscores, at most 64 of them."),
            )
        handle = fold(text.removeprefix("@"))
        if (
            not any(char.isalnum() for char in handle)
            or _NOT_IN_USERNAME.search(handle)
            or len(handle) > _LONGEST_USERNAME
        ):
            raise InvalidValue(
                "not_a_username",
                _("The value is not a user name."),
                _("Send the account's name alone: no spaces, no slashes, no link to its page."),
            )
        return f"username:{slug}:{handle}"
