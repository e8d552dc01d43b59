"""Submitting a signal: who will see it, what is known, and what never comes back."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.models import Organisation
from hub.errors import Invalid, NotPermitted
from hub.words import problem_in, without_identifiers
from sharing.portal.forms.indicators import is_plainly_a_hash
from sharing.signals.models import Signal
from sharing.signals.reach import planned_audience
from sharing.signals.selectors import audience
from sharing.visibility.selectors import contributable_groups
from tests import factories
from tests.portal.conftest import Scene, SignIn

PDQ = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22"
WHO = {"kind": "content", "harm": "people_smuggling", "tlp": "AMBER", "sharing_groups": ["watch"]}
KNOWN = {"severity": "high", "confidence": "70", "subject_role": "unknown"}
ACCOUNT = {"platform": "exampletube", "enforcement": "banned", "behaviours": "sells boats\n\n advertises crossings "}


def details(**audience: Any) -> str:
    return f"/signals/new/details?{urlencode(WHO | audience, doseq=True)}"


def rows(*filled: dict[str, str]) -> dict[str, str]:
    data = {"indicators-TOTAL_FORMS": str(max(len(filled), 5)), "indicators-INITIAL_FORMS": "0"}
    for number, row in enumerate(filled):
        data |= {f"indicators-{number}-{name}": value for name, value in row.items()}
    return data


def test_the_first_step_offers_only_groups_that_one_may_share_with(scene: Scene, ana: Client, sign_in: SignIn) -> None:
    factories.make_group("secret", name="Secret group")
    page = ana.get("/signals/new").content.decode()
    assert "Trafficking watch" in page
    assert "Takes up to TLP:AMBER." in page
    assert "Secret group" not in page
    assert "checked" not in page.split("sharing_groups")[1]
    viewer = sign_in(factories.make_user(scene.agency)).get("/signals/new").content.decode()
    assert "Your organisation may share with no group yet." in viewer


@pytest.mark.parametrize("headers", [{}, {"hx-request": "true"}])
def test_who_will_see_it_is_told_before_anything_is_saved(headers: dict[str, str], scene: Scene, ana: Client) -> None:
    query = WHO | {"named_organisations": "gamma, beta"}
    page = ana.get("/signals/new", query, headers=headers).content.decode()
    preview = page.split('id="preview-heading"')[1]
    told = re.findall(r'<th scope="row">([\w ]+)<div.*?<td>([\w ]+)</td>\s*<td>(.*?)</td>', preview, re.DOTALL)
    assert told == [
        ("Beta Video", "Trafficking watch", "They signed the agreement."),
        ("Beta Video", "Named by you", "–"),
        ("Gamma Market", "Named by you", "–"),
        ("National agency", "Trafficking watch", "They signed the agreement."),
    ]
    assert ("<html" in page) is not bool(headers)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"tlp": "AMBER+STRICT"}, "This group takes signals up to TLP:AMBER."),
        ({"tlp": "RED"}, "TLP:RED goes to named organisations only"),
        ({"sharing_groups": []}, "Nobody would see this signal."),
        ({"named_organisations": "nobody-here"}, "No active member has this short name."),
        ({"harm": ""}, "This field is required."),
        ({"sharing_groups": ["secret"]}, "Choose one of the list."),
        ({"kind": "other"}, "Choose one of the list."),
    ],
)
def test_an_audience_that_is_none_stops_at_the_first_step(
    choice: dict[str, Any], said: str, scene: Scene, ana: Client
) -> None:
    factories.make_group("secret")
    answer = ana.get(details(**choice), follow=True)
    assert answer.redirect_chain[0][0].startswith("/signals/new?")
    assert said in answer.content.decode()
    part = ana.get("/signals/new", WHO | choice, headers={"hx-request": "true"}).content.decode()
    assert said in part
    refused = ana.post(details(**choice), KNOWN | rows({"type": "pdq", "value": PDQ}))
    assert refused.status_code == 302
    assert not Signal.objects.exists()


@pytest.mark.parametrize("named", [(), ("gamma",), ("gamma", "beta")])
def test_the_planned_audience_is_the_audience(named: tuple[str, ...], scene: Scene) -> None:
    actor = factories.actor_for(scene.alpha)
    planned = planned_audience(actor, harm="other", tlp="AMBER", sharing_groups=("watch",), named_organisations=named)
    signal = factories.submit(scene.alpha, scene.group, harm="other", named_organisations=named)
    told = [(access.organisation.slug, access.through) for access in audience(actor, signal)]
    assert sorted((access.organisation.slug, access.through) for access in planned) == sorted(told)


def test_planning_is_for_those_who_may_submit(scene: Scene) -> None:
    auditor = factories.make_user(scene.alpha, role="auditor")
    with pytest.raises(NotPermitted):
        planned_audience(factories.actor_of_user(auditor), harm="other", tlp="AMBER", sharing_groups=("watch",))
    with pytest.raises(Invalid):
        planned_audience(factories.actor_for(scene.agency), harm="other", tlp="AMBER", sharing_groups=("watch",))


def test_a_content_signal_is_stored_as_it_was_typed(scene: Scene, ana: Client) -> None:
    data = KNOWN | {
        "summary": "Seen twice.",
        "external_id": "case-1",
        "observed_at": "2026-05-01T10:30",
        **rows({"type": "pdq", "value": PDQ, "quality": "90"}, {}, {"type": "email", "value": "someone@example.org"}),
    }
    scene.ana.time_zone = "Europe/Paris"
    scene.ana.save()
    answer = ana.post(details(named_organisations="gamma"), data, follow=True)
    page = answer.content.decode()
    assert "The signal was stored." in page
    assert "someone@" not in page
    signal = Signal.objects.get()
    assert (signal.kind, signal.harm, signal.severity, signal.confidence) == ("content", "people_smuggling", "high", 70)
    assert (signal.summary, signal.external_id, signal.tlp) == ("Seen twice.", "case-1", "AMBER")
    assert signal.observed_at and signal.observed_at.isoformat() == "2026-05-01T08:30:00+00:00"
    assert list(signal.groups.values_list("slug", flat=True)) == ["watch"]
    assert [grant.group.organisation.slug for grant in signal.grants.all()] == ["gamma"]
    links = signal.indicator_links.select_related("indicator").order_by("pk")
    assert [(link.indicator.signal_type, link.quality) for link in links] == [("pdq", 90), ("email", None)]


def test_an_account_signal_has_its_account(scene: Scene, ana: Client) -> None:
    row = {"type": "username", "value": "crossings_now", "platform": "exampletube"}
    assert 'name="platform"' in ana.get(details(kind="account")).content.decode()
    assert 'name="platform"' not in ana.get(details()).content.decode()
    assert ana.post(details(kind="account"), KNOWN | ACCOUNT | rows(row)).status_code == 302
    account = Signal.objects.get(kind="account").account
    assert (account.platform, account.enforcement) == ("exampletube", "banned")
    assert account.behaviours == ["sells boats", "advertises crossings"]


def test_the_same_reference_changes_the_earlier_signal_and_says_so(scene: Scene, ana: Client) -> None:
    data = KNOWN | {"external_id": "case-1"} | rows({"type": "pdq", "value": PDQ})
    ana.post(details(), data)
    page = ana.post(details(), data | {"severity": "low"}, follow=True).content.decode()
    assert "Your earlier signal with this reference was changed." in page
    assert Signal.objects.get().severity == "low"


@pytest.mark.parametrize(
    ("row", "said", "target"),
    [
        ({"type": "email", "value": "no address"}, "The value is not an e-mail address.", "id_indicators-0-value"),
        ({"type": "phone", "value": "020 7946 0018"}, "does not start with +", "id_indicators-0-value"),
        ({"type": "username", "value": "someone_there"}, "Name the platform", "id_indicators-0-value"),
        ({"type": "", "value": "someone_there"}, "Choose what this value is.", "id_indicators-0-type"),
        ({"type": "pdq", "value": ""}, "Type the value, or choose no type", "id_indicators-0-value"),
        ({"type": "pdq", "value": PDQ[:-1]}, "wrong number of digits", "id_indicators-0-value"),
        ({"type": "pdq", "value": PDQ, "quality": "101"}, "less than or equal to 100", "id_indicators-0-quality"),
        (
            {"type": "username", "value": "a", "platform": "Not a slug"},
            "Indicator 1, Platform",
            "id_indicators-0-platform",
        ),
    ],
)
def test_a_problem_stands_beside_its_field_and_in_the_summary(
    row: dict[str, str], said: str, target: str, scene: Scene, ana: Client
) -> None:
    page = ana.post(details(), KNOWN | rows(row)).content.decode()
    assert said in page
    assert f'href="#{target}"' in page
    assert page.count(f'id="{target}"') == 1
    assert f'id="{target}_error"' in page
    assert "There is a problem" in page
    assert not Signal.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("expires_at", "2001-01-01T00:00"), ("observed_at", "2999-01-01T00:00"), ("severity", ""), ("confidence", "101")],
)
def test_a_problem_of_the_whole_signal_has_its_field_too(field: str, value: str, scene: Scene, ana: Client) -> None:
    page = ana.post(details(), KNOWN | rows({"type": "pdq", "value": PDQ}) | {field: value}).content.decode()
    assert f'href="#id_{field}"' in page
    assert PDQ in page


def test_a_signal_without_indicators_is_refused(scene: Scene, ana: Client) -> None:
    assert "A signal needs an indicator." in ana.post(details(), KNOWN | rows()).content.decode()


def test_more_rows_than_a_signal_holds_are_refused(scene: Scene, ana: Client) -> None:
    filled = [{"type": "md5", "value": f"{number + 1:032x}"} for number in range(101)]
    page = ana.post(details(), KNOWN | rows(*filled)).content.decode()
    assert "There is a problem" in page
    assert not Signal.objects.exists()


IDENTIFIERS = [
    ("email", "someone@example.org"),
    ("phone", "+442079460018"),
    ("username", "crossings_now"),
    ("device", "490154203237518"),
    ("payment", "GB29NWBK60161331926819"),
    # Under a wrong type, as it happens when the list is left at its first entry.
    ("pdq", "someone@example.org"),
    ("md5", "442079460018"),
    ("sha256", "442079460018"),
    ("url", "https://example.org/someone_there"),
    ("text", "Call someone_there, he has the boats."),
    ("", "someone@example.org"),
]


@pytest.mark.parametrize(("kind", "value"), IDENTIFIERS)
def test_an_identifier_never_comes_back_whatever_else_is_wrong(
    kind: str, value: str, scene: Scene, ana: Client
) -> None:
    row = {"type": kind, "value": value, "platform": "exampletube"}
    data = KNOWN | {"severity": ""} | rows({"type": "pdq", "value": PDQ}, row)
    page = ana.post(details(), data).content.decode()
    assert value not in page
    assert PDQ in page
    assert re.search("Type (the value|it) again: the hub (does not send|sends nothing back)", page)


def test_free_text_comes_back_without_the_identifier_in_it(scene: Scene, ana: Client) -> None:
    texts = {
        "summary": "Write to someone@example.org or +44 20 7946 0018 tonight",
        "lawful_basis": "someone@example.org said so",
    }
    page = ana.post(details(), KNOWN | texts | rows({"type": "pdq", "value": PDQ})).content.decode()
    assert "someone@" not in page
    assert "7946" not in page
    assert "Write to […] or […] tonight" in page
    assert 'href="#id_summary"' in page
    assert 'href="#id_lawful_basis"' in page


@example("0@0.00@0.00")
@given(st.text(alphabet="+4420 7946018ab@.-", max_size=60))
def test_what_is_left_of_a_text_is_never_objected_to(text: str) -> None:
    assert problem_in(without_identifiers(text), "") is None


def test_only_what_can_be_nothing_but_a_hash_is_plainly_a_hash() -> None:
    for name, value in [("pdq", PDQ), ("md5", "0cc175b9c0f1b6a831c399e269772661"), ("pdq", PDQ[:-1]), ("sha1", PDQ)]:
        assert is_plainly_a_hash(name, value)
    for name, value in [("email", PDQ), ("text", PDQ), ("url", PDQ), ("", PDQ), ("x", PDQ)]:
        assert not is_plainly_a_hash(name, value)
    # An IBAN, a card, a device, a user name: under a wrong type.
    for value in ("DE89370400440532013000", "4111111111111111", "490154203237518", "deadbeef", "1" * 40, f"{PDQ}@x.y"):
        assert not is_plainly_a_hash("pdq", value)


def test_a_hash_with_a_digit_too_few_is_said_to_be_so_and_stays(scene: Scene, ana: Client) -> None:
    page = ana.post(details(), KNOWN | rows({"type": "pdq", "value": PDQ[:-1]})).content.decode()
    assert "wrong number of digits" in page
    assert f">\n{PDQ[:-1]}</textarea>" in page
    assert "Type it again" not in page
    page = ana.post(details(), KNOWN | rows({"type": "pdq", "value": "zz"})).content.decode()
    assert "not written in hexadecimal digits" in page
    assert "Type it again: the hub sends nothing back that might be an identifier." in page


def test_what_was_taken_out_of_a_text_is_said_whatever_else_is_wrong(scene: Scene, ana: Client) -> None:
    half = rows({"type": "md5", "value": "0cc175b9c0f1b6a831c399e269772661"}, {"type": "", "value": "someone_there"})
    data = KNOWN | {"summary": "write to ana@example.org before a crossing"} | half
    page = ana.post(details(), data).content.decode()
    assert "Choose what this value is." in page
    assert "write to […] before a crossing" in page
    assert 'href="#id_summary"' in page
    assert page.count("This text seems to hold an e-mail address or a phone number.") == 2  # above, and at its field
    again = data | {"summary": "write to […] before a crossing"} | rows({"type": "pdq", "value": PDQ})
    page = ana.post(details(), again | {"indicators-1-value": ""}).content.decode()
    assert "[…] stands where something was taken out of this text." in page
    assert not Signal.objects.exists()


def test_one_page_shows_every_problem(scene: Scene, ana: Client) -> None:
    filled = rows(
        {"type": "username", "value": "a", "platform": "ExampleTube !!"},
        {"type": "phone", "value": "020 7946 0018"},
        {"type": "pdq", "value": "zz"},
        {"type": "pdq", "value": PDQ, "quality": "101"},
    )
    wrong = {"expires_at": "2001-01-01T00:00", "summary": "+44 20 7946 0018", "external_id": "a@example.org"}
    page = ana.post(details(kind="account"), KNOWN | ACCOUNT | wrong | {"platform": "No name", **filled})
    text = page.content.decode()
    assert "Write a short name: small letters, digits, dashes." in text
    assert "slug" not in text
    for field in ("expires_at", "summary", "external_id", "platform"):
        assert f'href="#id_{field}"' in text, field
    for field in ("0-platform", "1-value", "2-value", "3-quality"):
        assert f'href="#id_indicators-{field}"' in text, field
    assert "A signal needs an indicator." not in text
    empty = ana.post(details(), KNOWN | {"severity": ""} | rows()).content.decode()
    assert "A signal needs an indicator." in empty


def test_a_figure_or_a_date_is_not_sent_back_when_it_may_be_an_identifier(scene: Scene, ana: Client) -> None:
    row = {"type": "pdq", "value": PDQ, "quality": "jo.quality@example.org"}
    typed = {"confidence": "442079460018", "observed_at": "jo.seen@example.org", "expires_at": "jo_there"}
    page = ana.post(details(), KNOWN | typed | rows(row)).content.decode()
    for value in (row["quality"], *typed.values()):
        assert value not in page
    assert 'value="101"' in ana.post(details(), KNOWN | rows(row) | {"confidence": "101"}).content.decode()
    kept = ana.post(details(), KNOWN | rows(row) | {"observed_at": "2026-05-01T10:30"}).content.decode()
    assert 'value="2026-05-01T10:30"' in kept
    assert "jo.since" not in ana.get("/signals", {"since": "jo.since@example.org"}).content.decode()


def test_named_organisations_are_a_text_of_bounded_length(scene: Scene, ana: Client) -> None:
    query = WHO | {"named_organisations": "a " * 1_500}
    assert "at most 2000 characters" in ana.get("/signals/new", query).content.decode()
    assert ana.get(f"/signals/new/details?{urlencode(query, doseq=True)}").status_code == 302


def test_a_group_that_closes_between_the_steps_is_noticed(scene: Scene, ana: Client) -> None:
    assert ana.get(details()).status_code == 200
    scene.group.status = "closed"
    scene.group.save()
    assert not contributable_groups(factories.actor_for(scene.alpha)).exists()
    answer = ana.post(details(), KNOWN | rows({"type": "pdq", "value": PDQ}), follow=True)
    assert "Choose one of the list." in answer.content.decode()
    assert not Signal.objects.exists()


def test_the_second_step_repeats_who_will_see_it(scene: Scene, ana: Client) -> None:
    page = ana.get(details(named_organisations="gamma")).content.decode()
    panel = page.split("Who will see this")[1]
    for name in ("Beta Video", "National agency", "Gamma Market", "named by you", "TLP:AMBER"):
        assert name in panel
    assert page.count("data-indicator-row>") == 5 + 1  # five to fill in without scripts, one to copy


def test_a_form_without_any_field_is_a_form_with_errors(scene: Scene, ana: Client) -> None:
    for kind in ("content", "account"):
        answer = ana.post(details().replace("kind=content", f"kind={kind}"), {})
        assert answer.status_code == 200
        assert "This field is required." in answer.content.decode()


def test_without_the_switch_the_form_says_so_and_takes_no_identifier(scene: Scene, ana: Client) -> None:
    said = "does not send identifiers"
    assert said not in ana.get(details()).content.decode()
    Organisation.objects.filter(pk=scene.alpha.pk).update(plain_identifiers=False)
    assert said in ana.get(details()).content.decode()
    answer = ana.post(details(), KNOWN | rows({"type": "email", "value": "someone@example.org"}))
    page = answer.content.decode()
    assert "sends identifiers as tokens only" in page
    assert "with your organisation&#x27;s client" in page
    assert "someone@" not in page
    assert not Signal.objects.exists()
    assert ana.post(details(), KNOWN | rows({"type": "pdq", "value": PDQ})).status_code == 302
