"""Both clients against a real hub."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from hub_client import (
    Account,
    AsyncHubClient,
    Conflict,
    HubClient,
    Indicator,
    Invalid,
    InvalidValue,
    KeyRefused,
    NewSignal,
    NotFound,
    Watch,
)
from hub_client.errors import Refused
from tests.client.hub.conftest import GROUP
from tests.whole.hub_process import HubProcess


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def a_signal(value: str, reference: str | None = None, kind: str = "md5") -> NewSignal:
    return NewSignal(
        external_id=reference or f"ad-{uuid4()}",
        harm="people_smuggling",
        severity="high",
        sharing_groups=(GROUP,),
        indicators=(Indicator(kind, value),),
    )


def test_who_am_i_and_what_there_is(alpha: HubClient) -> None:
    me = alpha.whoami()

    assert me.organisation.slug == "alpha"
    assert "signals:write" in me.scopes
    assert GROUP in [group.slug for group in alpha.sharing_groups() if group.may_contribute]
    assert {kind.name: kind.threshold for kind in alpha.signal_types()}["pdq"] == 31


def test_submitted_twice_it_is_one_signal(alpha: HubClient) -> None:
    once = alpha.submit(a_signal(md5("twice"), "twice-1"))
    again = alpha.submit(a_signal(md5("changed"), "twice-1"))

    assert once.id == again.id
    assert [indicator.value for indicator in again.indicators] == [md5("changed")]
    assert alpha.signal(once.id).external_id == "twice-1"
    assert next(alpha.signals(type="md5")).id == once.id


def test_a_url_and_a_text_leave_as_hashes_of_their_normal_form(alpha: HubClient) -> None:
    for kind, value, same in (
        ("url", "https://example.com/page?utm_source=x", "http://EXAMPLE.com/page"),
        ("text", "Work abroad! No papers needed.", "work abroad   no papers needed"),
    ):
        stored = alpha.submit(a_signal(value, kind=kind))
        sent = Indicator(kind, value).prepared()
        assert sent.value == stored.indicators[0].value
        assert alpha.look_up([Indicator(kind, same)])[0].status == "found"
        hit = alpha.look_up_range(Indicator(kind, same))
        assert hit is not None
        assert hit.signals == 1


def test_a_value_that_its_type_refuses_does_not_leave(alpha: HubClient) -> None:
    with pytest.raises(InvalidValue) as caught:
        alpha.submit(a_signal("abc"))
    assert (caught.value.code, caught.value.path) == ("wrong_length", "/indicators/0/value")


def test_of_a_batch_bad_rows_are_refused_in_their_places_wherever_they_are_found(alpha: HubClient) -> None:
    wrong_group = NewSignal(
        external_id="b-2", harm="people_smuggling", severity="low", sharing_groups=("nowhere",),
        indicators=(Indicator("md5", md5("b2")),),
    )  # fmt: skip
    rows = [a_signal(md5("b0"), "b-0"), a_signal("zz", "b-1"), wrong_group, a_signal(md5("b3"), "b-3")]

    result = alpha.submit_batch(rows)

    assert [row.status for row in result.results] == ["created", "refused", "refused", "created"]
    assert [row.external_id for row in result.results] == ["b-0", "b-1", "b-2", "b-3"]
    assert (result.stored, result.refused) == (2, 2)
    assert result.results[1].errors[0].path == "/signals/1/indicators/0/value"
    assert result.results[2].errors[0].code == "unknown_group"


def test_any_number_goes_in_batches_with_every_result_in_its_place(alpha: HubClient) -> None:
    rows = [a_signal(md5(f"many-{number}") if number != 7 else "no", f"many-{number}") for number in range(23)]

    results = list(alpha.submit_many(iter(rows), rows=5))

    assert [row.row for row in results] == list(range(23))
    assert [row.row for row in results if not row.stored] == [7]
    assert [row.external_id for row in results] == [row.external_id for row in rows]


def test_a_look_up_answers_each_item_in_its_place(alpha: HubClient, beta: HubClient) -> None:
    stored = alpha.submit(a_signal(md5("looked up")))

    found, unknown = beta.look_up([Indicator("md5", md5("looked up")), Indicator("md5", md5("never seen"))])

    assert (found.status, unknown.status) == ("found", "none")
    assert [signal.id for signal in found.signals] == [stored.id]
    assert beta.look_up_range(Indicator("md5", md5("never seen"))) is None


def test_a_look_up_of_more_than_a_request_holds(beta: HubClient, alpha: HubClient) -> None:
    alpha.submit(a_signal(md5("many 700")))

    answers = beta.look_up([Indicator("md5", md5(f"many {number}")) for number in range(1_100)])

    assert [answer.item for answer in answers] == list(range(1_100))
    assert [answer.item for answer in answers if answer.status == "found"] == [700]


def test_new_matches_are_told_once_and_a_verdict_stays(alpha: HubClient, beta: HubClient, hub: HubProcess) -> None:
    watch = Watch()
    assert beta.new_matches(watch) == []
    alpha.submit(a_signal(md5("followed")))
    beta.submit(a_signal(md5("followed")))
    hub.wait_drained()

    (match,) = beta.new_matches(watch)

    assert {match.signal.organisation, match.related[0].signal.organisation} == {"alpha", "beta"}
    assert match.related[0].evidence[0].distance == 0
    assert beta.new_matches(watch) == []
    assert beta.new_matches(Watch.from_state(watch.state())) == []
    reviewed = beta.give_verdict(match.id, "true_positive", "Seen on both.")
    assert (reviewed.verdict, reviewed.note) == ("true_positive", "Seen on both.")
    assert match.id in [found.id for found in beta.matches(verdict="true_positive")]
    assert beta.match(match.id).verdict == "true_positive"
    since = datetime.now(UTC) - timedelta(hours=1)
    assert match.id in [found.id for found in beta.new_matches(Watch(since))]
    assert beta.new_matches(Watch(match.created_at + timedelta(seconds=1))) == []


def test_pages_are_followed_to_the_end(alpha: HubClient) -> None:
    list(alpha.submit_many(a_signal(md5(f"page-{number}"), f"page-{number}") for number in range(7)))

    ids = [signal.id for signal in alpha.signals(limit=2)]

    assert len(ids) == len(set(ids)) >= 7


def test_own_signals_are_changed_and_taken_back(alpha: HubClient, beta: HubClient) -> None:
    stored = alpha.submit(a_signal(md5("mine")))

    assert alpha.change(stored.id, severity="low").severity == "low"
    assert alpha.retract(stored.id, "Sent by mistake.").state == "retracted"
    with pytest.raises(NotFound):
        beta.signal(stored.id)
    with pytest.raises(Conflict):
        alpha.change(stored.id, severity="high")


def test_a_refusal_carries_what_the_hub_named(alpha: HubClient) -> None:
    with pytest.raises(Invalid) as caught:
        alpha.submit(NewSignal(harm="nonsense", severity="high", indicators=(Indicator("md5", md5("x")),)))

    assert [problem.path for problem in caught.value.problems] == ["/harm"]
    assert "/harm" in str(caught.value)


def test_a_key_that_is_unknown_is_refused_and_never_shown(hub: HubProcess) -> None:
    key = f"hub_{'a' * 12}_{'b' * 43}"
    with HubClient(hub.url, key) as client, pytest.raises(KeyRefused) as caught:
        client.whoami()
    for text in (
        repr(client),
        str(caught.value),
        repr(caught.value),
        repr(client.settings),
        repr(client._http.headers),
    ):
        assert "b" * 43 not in text


def test_identifiers_leave_as_tokens_and_match_whoever_made_them(
    alpha: HubClient, beta: HubClient, hub: HubProcess
) -> None:
    sent: list[bytes] = []
    alpha._http.event_hooks = {"request": [lambda request: sent.append(request.content)]}
    watch = Watch()
    beta.new_matches(watch)

    one = alpha.submit(an_account("Ana.Lopez@Example.org"))
    other = beta.submit(an_account("ana.lopez@example.ORG"))
    hub.wait_drained()

    assert one.indicators[0].value == other.indicators[0].value
    assert one.indicators[0].key_id
    assert len(beta.new_matches(watch)) == 1
    assert alpha.look_up([Indicator("email", "ana.lopez@example.org")])[0].status == "found"
    everything = b"".join(sent).lower()
    assert b"token" in everything
    assert b"lopez" not in everything


def an_account(email: str) -> NewSignal:
    return NewSignal(
        kind="account",
        external_id=f"account-{uuid4()}",
        harm="human_trafficking",
        severity="medium",
        sharing_groups=(GROUP,),
        account=Account(platform="exampletube"),
        indicators=(Indicator("email", email),),
    )


def test_the_other_client_does_the_same(hub: HubProcess, keys: dict[str, str]) -> None:
    async def everything() -> None:
        async with AsyncHubClient(hub.url, keys["gamma"]) as gamma, AsyncHubClient(hub.url, keys["alpha"]) as alpha:
            assert (await gamma.whoami()).organisation.slug == "gamma"
            watch = Watch()
            await gamma.new_matches(watch)
            await alpha.submit(a_signal(md5("async")))
            rows = [a_signal(md5("async"), "async-1"), a_signal("zz", "async-2")]
            statuses = [row.status async for row in gamma.submit_many(rows, rows=1)]
            assert statuses == ["created", "refused"]
            (answer,) = await gamma.look_up([Indicator("md5", md5("async"))])
            assert len(answer.signals) == 2
            async for match in gamma.follow_matches(every=0.1, watch=watch):
                assert (await gamma.give_verdict(match.id, "disputed")).verdict == "disputed"
                break
            assert len([signal async for signal in gamma.signals(limit=1, organisation="gamma")]) == 1
            with pytest.raises(Refused):
                await gamma.signal("no-id")

    asyncio.run(asyncio.wait_for(everything(), 60))


def test_both_clients_have_the_same_methods() -> None:
    def methods(client: type) -> dict[str, list[str]]:
        public = inspect.getmembers(client, inspect.isfunction)
        return {name: list(inspect.signature(method).parameters) for name, method in public if name[0] != "_"}

    assert methods(HubClient) == methods(AsyncHubClient)


def test_a_bulk_upload_has_the_result_of_each_row(alpha: HubClient, hub: HubProcess, keys: dict[str, str]) -> None:
    rows = [a_signal(md5(f"bulk {number}"), f"bulk-{number}") for number in range(2_500)]
    rows[3] = a_signal("no digits", "bulk-wrong-here")
    rows[5] = NewSignal(harm="other", severity="low", sharing_groups=("no-such-group",), indicators=rows[5].indicators)
    rows[7] = NewSignal(
        kind="account", harm="other", severity="low", sharing_groups=(GROUP,), account=Account(platform="alpha"),
        indicators=(Indicator("email", "bulk@example.org"),),
    )  # fmt: skip

    results = list(alpha.bulk(rows))

    assert [result.row for result in results] == list(range(len(rows)))
    assert {result.row: result.errors[0].code for result in results if not result.stored} == {
        3: results[3].errors[0].code, 5: "unknown_group"
    }  # fmt: skip
    assert results[4].external_id == "bulk-4"
    assert alpha.signal(results[4].id or "").indicators[0].value == md5("bulk 4")

    async def again() -> list[str | None]:
        async with AsyncHubClient(hub.url, keys["alpha"]) as client:
            return [result.id async for result in client.bulk(rows)]

    # The same lines are the same upload: also rows without a reference of their own are not stored again.
    assert asyncio.run(again()) == [result.id for result in results]
    changed = {result.status for result in alpha.bulk(rows[:3], key="another")}
    assert changed == {"updated"}
