"""Identifiers that stay with the member: evaluated blinded, sent as tokens, the same as if sent in plain."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.models import ApiClient, Organisation, Scope
from sharing import oprf
from sharing.signals.indicators import Indicator
from tests import factories
from tests.keys import give_keys, made_token

EMAIL = "Someone@Example.org"
NO_SQUARE = "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"
ELEMENT = "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"


class Member:
    """Asks over the API, with a key of an organisation."""

    def __init__(self, client: Client, key: str) -> None:
        self.client, self.headers = client, {"authorization": f"Bearer {key}"}

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1/{path}", headers=self.headers)

    def post(self, path: str, body: Any) -> Any:
        return self.client.post(f"/api/v1/{path}", json.dumps(body), "application/json", headers=self.headers)

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(f"/api/v1/{path}", json.dumps(body), "application/json", headers=self.headers)

    def token(self, name: str, value: str, platform: str = "", **more: str) -> Any:
        keys = {key["key_id"]: key for key in self.get("identifiers/keys").json()["keys"]}
        public_key = keys[more.get("key_id") or next(iter(keys))]["public_key"]
        return made_token(
            lambda body: self.post("identifiers/evaluate", body).json(), public_key, name, value, platform, **more
        )

    def submit(self, *indicators: Any) -> Any:
        signal = {"kind": "content", "harm": "other", "severity": "low", "sharing_groups": ["watch"]}
        return self.post("signals", {**signal, "indicators": indicators})


@pytest.fixture
def member(client: Client, key: str) -> Member:
    """It sends no identifiers in plain."""
    Organisation.objects.filter(slug="alpha").update(plain_identifiers=False)
    return Member(client, key)


@pytest.fixture
def plain(client: Client, member: Member) -> Member:
    """Another member of the group, which may send identifiers in plain."""
    organisation = factories.make_organisation("beta")
    factories.give(organisation, factories.SharingGroup.objects.get(slug="watch"))
    return Member(client, factories.make_client(organisation)[1])


def refusal(answer: Any) -> tuple[str, str]:
    assert answer.status_code == 400, answer.content
    (problem,) = answer.json()["errors"]
    assert problem["mend"]
    return problem["path"], problem["code"]


@pytest.mark.parametrize(
    ("name", "value", "platform"),
    [
        ("email", EMAIL, ""),
        ("phone", "+44 7911 123456", ""),
        ("username", "@Some_Body", "exampletube"),
        ("device", "490154203237518", ""),
        ("payment", "GB29 NWBK 6016 1331 9268 19", ""),
    ],
)
def test_two_ways_lead_to_the_same_stored_bytes(
    member: Member, plain: Member, name: str, value: str, platform: str
) -> None:
    blinded = member.token(name, value, platform)
    assert member.submit(blinded).status_code == 201
    assert bytes(Indicator.objects.get().value).hex() == blinded["token"]
    sent = {"type": name, "value": value, **({"platform": platform} if platform else {})}
    assert plain.submit(sent).status_code == 201
    stored = Indicator.objects.get()
    assert (bytes(stored.value).hex(), stored.key_id) == (blinded["token"], blinded["key_id"])
    (answer,) = plain.post("lookups", {"items": [sent]}).json()["results"]
    assert answer["status"] == "found"
    assert answer["signals"] == member.post("lookups", {"items": [blinded]}).json()["results"][0]["signals"]


def test_an_identifier_in_plain_is_refused_without_the_switch(member: Member) -> None:
    plain = {"type": "email", "value": EMAIL}
    answer = member.submit(plain)
    assert refusal(answer) == ("/indicators/0/value", "plain_identifier")
    assert "identifiers/evaluate" in answer.json()["errors"][0]["mend"]
    batch = {"signals": [{"kind": "content", "harm": "other", "severity": "low", "indicators": [plain]}]}
    (row,) = member.post("signals/batch", batch).json()["results"]
    assert "plain_identifier" in [error["code"] for error in row["errors"]]
    (looked_up,) = member.post("lookups", {"items": [plain]}).json()["results"]
    assert [error["code"] for error in looked_up["errors"]] == ["plain_identifier"]
    signal = member.submit({"type": "md5", "value": "0" * 32}).json()
    assert refusal(member.patch(f"signals/{signal['id']}", {"indicators": [plain]})) == (
        "/indicators/0/value",
        "plain_identifier",
    )
    assert EMAIL not in str([answer.content, row, looked_up])
    assert not Indicator.objects.filter(signal_type="email").exists()


def test_a_change_takes_a_token(member: Member) -> None:
    signal = member.submit({"type": "md5", "value": "0" * 32}).json()
    token = member.token("email", EMAIL)
    changed = member.patch(f"signals/{signal['id']}", {"indicators": [token]}).json()
    assert [(one["type"], one["value"]) for one in changed["indicators"]] == [("email", token["token"])]


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"token": "zz" * 32}, "/token", "bad_token"),
        ({"token": "ab" * 31}, "/token", "bad_token"),
        ({"token": "ab" * 33}, "/token", "max_length"),
        ({"token": 7}, "/token", "not_text"),
        ({"token": None}, "/token", "null"),
        ({"key_id": "k9"}, "/key_id", "unknown_key"),
        ({"key_id": None}, "/key_id", "null"),
        ({"key_id": ...}, "/key_id", "required"),
        ({"token": ...}, "/value", "required"),
        ({"token": ..., "value": EMAIL}, "/key_id", "key_without_token"),
        ({"type": "md5", "token": ..., "value": "0" * 32}, "/key_id", "key_without_token"),
        ({"type": "md5"}, "/token", "not_an_identifier"),
        ({"value": EMAIL}, "/token", "value_and_token"),
        ({"platform": "exampletube"}, "/platform", "not_with_token"),
        ({"type": "nothing"}, "/type", "unknown_type"),
        ({"tokens": "ab" * 32}, "/tokens", "unknown_field"),
    ],
)
def test_what_is_wrong_with_a_token_is_named(member: Member, changes: dict[str, Any], path: str, code: str) -> None:
    sent = {"type": "email", "token": "ab" * 32, "key_id": "k1", **changes}
    sent = {name: value for name, value in sent.items() if value is not ...}
    answer = member.submit(sent)
    assert refusal(answer) == (f"/indicators/0{path}", code)
    assert EMAIL not in answer.content.decode()
    (looked_up,) = member.post("lookups", {"items": [sent]}).json()["results"]
    assert [error["code"] for error in looked_up["errors"]] == [code]


def test_two_keys_live_side_by_side_and_an_ended_one_does_not(
    member: Member, settings: LazySettings, tmp_path: Path
) -> None:
    now = timezone.now()
    give_keys(settings, tmp_path, "k1", k1={})
    old = member.token("email", EMAIL)
    assert member.submit(old).status_code == 201
    give_keys(settings, tmp_path, "k2", k1={"not_after": now + timedelta(days=1)}, k2={})
    listed = member.get("identifiers/keys").json()
    assert [(key["key_id"], key["active"], key["live"]) for key in listed["keys"]] == [
        ("k2", True, True),
        ("k1", False, True),
    ]
    new = member.token("email", EMAIL)
    assert new["key_id"] == "k2"
    assert new["token"] != old["token"]
    assert member.token("email", EMAIL, key_id="k1") == old
    assert member.submit(old, new).status_code == 201
    give_keys(settings, tmp_path, "k2", k1={"not_after": now - timedelta(seconds=1)}, k2={})
    assert [key["key_id"] for key in member.get("identifiers/keys").json()["keys"]] == ["k2"]
    assert refusal(member.submit(old)) == ("/indicators/0/key_id", "key_ended")
    body = {"elements": [ELEMENT], "key_id": "k1"}
    assert refusal(member.post("identifiers/evaluate", body)) == ("/key_id", "key_ended")
    assert member.submit(new).status_code == 201


def test_a_key_that_has_not_begun_is_published_and_not_used(
    member: Member, settings: LazySettings, tmp_path: Path
) -> None:
    give_keys(settings, tmp_path, "k1", k1={}, k2={"not_before": timezone.now() + timedelta(days=1)})
    assert [(key["key_id"], key["live"]) for key in member.get("identifiers/keys").json()["keys"]] == [
        ("k1", True),
        ("k2", False),
    ]
    body = {"elements": [ELEMENT], "key_id": "k2"}
    assert refusal(member.post("identifiers/evaluate", body)) == ("/key_id", "unknown_key")


def test_when_the_active_key_has_ended_nothing_is_made_and_the_answer_says_so(
    member: Member, plain: Member, settings: LazySettings, tmp_path: Path
) -> None:
    give_keys(settings, tmp_path, "k1", k1={"not_after": timezone.now() - timedelta(seconds=1)})
    for answer in (
        member.post("identifiers/evaluate", {"elements": [ELEMENT]}),
        plain.submit({"type": "email", "value": EMAIL}),
        plain.post("lookups", {"items": [{"type": "email", "value": EMAIL}]}),
    ):
        assert answer.status_code == 409
        assert "must rotate it" in answer.json()["detail"]


def test_a_batch_is_evaluated_in_its_order_with_one_proof(member: Member) -> None:
    sent = [oprf.blind(bytes([number])) for number in range(20)]
    answer = member.post("identifiers/evaluate", {"elements": [one.element.hex() for one in sent]}).json()
    (key,) = member.get("identifiers/keys").json()["keys"]
    assert answer["key_id"] == key["key_id"]
    evaluated = [bytes.fromhex(element) for element in answer["elements"]]
    proof, public_key = bytes.fromhex(answer["proof"]), bytes.fromhex(key["public_key"])
    assert len(set(oprf.finalize(sent, evaluated, proof, public_key))) == 20
    with pytest.raises(oprf.InvalidProof):
        oprf.finalize(sent, list(reversed(evaluated)), proof, public_key)


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"elements": [ELEMENT, "00" * 32]}, "/elements/1", "not_an_element"),
        ({"elements": [ELEMENT, "ff" * 32]}, "/elements/1", "not_an_element"),
        ({"elements": [ELEMENT, NO_SQUARE]}, "/elements/1", "not_an_element"),
        ({"elements": [ELEMENT, ELEMENT[:-2]]}, "/elements/1", "not_an_element"),
        ({"elements": [ELEMENT, ""]}, "/elements/1", "not_an_element"),
        ({"elements": [ELEMENT, 7]}, "/elements/1", "not_text"),
        ({"elements": [ELEMENT, None]}, "/elements/1", "not_text"),
        ({"elements": []}, "/elements", "min_length"),
        ({"elements": [ELEMENT] * 1_001}, "/elements", "max_length"),
        ({"elements": ELEMENT}, "/elements", "not_a_list"),
        ({}, "/elements", "required"),
        ({"elements": [ELEMENT], "key_id": "k7"}, "/key_id", "unknown_key"),
        ({"elements": [ELEMENT], "key_id": "K 7!"}, "/key_id", "unknown_key"),
        ({"elements": [ELEMENT], "keyid": "k1"}, "/keyid", "unknown_field"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_request_is_named(member: Member, body: Any, path: str, code: str) -> None:
    assert refusal(member.post("identifiers/evaluate", body)) == (path, code)


def test_a_list_of_nothing_but_mistakes_is_answered_shortly(member: Member) -> None:
    for wrong in (7, "x"):
        answer = member.post("identifiers/evaluate", {"elements": [wrong] * 1_000})
        assert answer.status_code == 400
        assert len(answer.json()["errors"]) <= 101


def test_evaluation_has_a_scope_of_its_own(member: Member) -> None:
    ApiClient.objects.update(scopes=[scope for scope in Scope.values if scope != Scope.EVALUATE])
    assert member.post("identifiers/evaluate", {"elements": [ELEMENT]}).status_code == 403
    assert member.get("identifiers/keys").status_code == 200


def test_elements_count_against_the_rate_fifty_to_a_request(member: Member) -> None:
    ApiClient.objects.update(rate_per_minute=3)
    assert member.post("identifiers/evaluate", {"elements": [ELEMENT] * 100}).status_code == 200
    assert member.post("identifiers/evaluate", {"elements": [ELEMENT] * 100}).status_code == 429
