"""Looking up tells what the caller may see of what it asks for, and keeps nothing of the question."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts.models import Organisation
from hub.audit.models import AuditEntry
from hub.errors import NotPermitted, Problem
from sharing.api.serializers.lookups import VerdictCounts
from sharing.matching import lookups
from sharing.matching.lookups import MOST, Answer, look_up
from sharing.matching.models import Match
from sharing.matching.opinions import VERDICTS
from sharing.matching.services import give_verdict
from sharing.matching.thresholds import NearThreshold
from sharing.signals.inputs import IndicatorInput
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from sharing.visibility.selectors import viewable_group_ids
from tests import factories

pytestmark = pytest.mark.django_db

PDQ = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
MD5 = "900150983cd24fb0d6963f7d28e17f72"


class Members:
    """alpha submits to a group in which beta sees; gamma is outside."""

    def __init__(self) -> None:
        self.group = factories.make_group("watch")
        self.alpha, self.beta, self.gamma = (factories.make_organisation(slug) for slug in ("alpha", "beta", "gamma"))
        factories.give(self.alpha, self.group)
        factories.give(self.beta, self.group, "view")

    def submit(self, **fields: Any) -> Signal:
        return factories.submit(self.alpha, self.group, **{"indicators": [("md5", MD5)], **fields})


@pytest.fixture
def members() -> Members:
    return Members()


def ask(organisation: Organisation, *items: tuple[str, str] | IndicatorInput | list[Problem]) -> list[Answer]:
    inputs = [IndicatorInput(*item) if isinstance(item, tuple) else item for item in items]
    return look_up(actor=factories.actor_for(organisation), items=inputs)


def told(organisation: Organisation, *items: tuple[str, str] | IndicatorInput) -> list[list[tuple[int, int]]]:
    """(signal, distance) of each item."""
    return [[(found.signal.pk, found.distance) for found in answer.found] for answer in ask(organisation, *items)]


def flipped(value: str, bits: int) -> str:
    size = len(value)
    return f"{int(value, 16) ^ ((1 << bits) - 1):0{size}x}"


def test_a_signal_is_told_to_who_sees_it(members: Members) -> None:
    signal = members.submit()
    assert told(members.alpha, ("md5", MD5)) == [[(signal.pk, 0)]]
    assert told(members.beta, ("md5", MD5)) == [[(signal.pk, 0)]]
    assert told(members.gamma, ("md5", MD5)) == [[]]
    (answer,) = ask(members.beta, ("md5", MD5))
    (found,) = answer.found
    assert found.signal == (signal.pk, signal.uuid, "alpha", "human_trafficking", "high", "AMBER")
    assert not answer.more


def test_one_that_is_named_is_told_too(members: Members) -> None:
    signal = members.submit(sharing_groups=(), named_organisations=("gamma",))
    assert told(members.gamma, ("md5", MD5)) == [[(signal.pk, 0)]]
    assert told(members.beta, ("md5", MD5)) == [[]]


@pytest.mark.parametrize(("bits", "is_told"), [(0, True), (31, True), (32, False)])
def test_near_hashes_are_found_within_the_threshold(members: Members, bits: int, is_told: bool) -> None:
    signal = members.submit(indicators=[("pdq", PDQ)])
    assert told(members.beta, ("pdq", flipped(PDQ, bits))) == [[(signal.pk, bits)] if is_told else []]


def test_a_threshold_that_was_lowered_counts_here_too(members: Members) -> None:
    signal = members.submit(indicators=[("pdq", PDQ)])
    NearThreshold.objects.create(signal_type="pdq", threshold=5, reason="Too many false ones.")
    assert told(members.beta, ("pdq", flipped(PDQ, 5)), ("pdq", flipped(PDQ, 6))) == [[(signal.pk, 5)], []]


def test_a_video_is_found_by_identity(members: Members) -> None:
    video = IndicatorInput("vpdq", [f"{flipped(PDQ, number)},100,{number}.0" for number in range(3)])
    signal = members.submit(indicators=[video])
    assert told(members.beta, video) == [[(signal.pk, 0)]]


def test_a_picture_with_too_little_in_it_is_found_by_identity_only(members: Members) -> None:
    dull = members.submit(indicators=[IndicatorInput("pdq", PDQ, quality=49)])
    near = flipped(PDQ, 3)
    assert told(members.beta, ("pdq", PDQ), ("pdq", near)) == [[(dull.pk, 0)], []]
    clear = members.submit(indicators=[IndicatorInput("pdq", PDQ, quality=50)])
    assert told(members.beta, ("pdq", near)) == [[(clear.pk, 3)]]
    asked = [IndicatorInput("pdq", near, quality=49), IndicatorInput("pdq", PDQ, quality=49)]
    assert told(members.beta, *asked) == [[], [(clear.pk, 0), (dull.pk, 0)]]


@pytest.mark.parametrize(
    "fields",
    [
        {"subject_role": "victim"},
        {"tlp": "RED", "sharing_groups": (), "named_organisations": ("beta",)},
    ],
    ids=["about a victim", "RED"],
)
def test_what_is_never_told_to_a_machine(members: Members, fields: dict[str, Any]) -> None:
    signal = members.submit(**fields)
    assert Signal.objects.visible_to(factories.actor_for(members.beta)).filter(pk=signal.pk).exists()
    for organisation in (members.alpha, members.beta):
        assert told(organisation, ("md5", MD5)) == [[]]


@pytest.mark.parametrize("field", ["retracted_at", "expires_at"])
def test_what_is_over_is_told_to_nobody(members: Members, field: str) -> None:
    signal = members.submit()
    Signal.objects.filter(pk=signal.pk).update(**{field: Now() - timedelta(seconds=1)})
    for organisation in (members.alpha, members.beta):
        assert told(organisation, ("md5", MD5)) == [[]]


def test_what_counts_at_once(members: Members) -> None:
    members.submit()
    SharingGroup.objects.update(status=SharingGroup.Status.CLOSED)
    assert told(members.beta, ("md5", MD5)) == [[]]
    Organisation.objects.filter(slug="alpha").update(status=Organisation.Status.SUSPENDED)
    with pytest.raises(NotPermitted):
        ask(Organisation.objects.get(slug="alpha"), ("md5", MD5))


def test_a_scope_is_needed(members: Members) -> None:
    factories.make_client(members.beta, scopes=["signals:read", "matches:read"])
    with pytest.raises(NotPermitted):
        ask(members.beta, ("md5", MD5))


def test_an_identifier_is_found_by_its_plain_value(members: Members) -> None:
    signal = members.submit(indicators=[("email", "someone@example.org")])
    assert told(members.beta, ("email", "Someone@EXAMPLE.org"), ("email", "else@example.org")) == [
        [(signal.pk, 0)],
        [],
    ]
    (refused,) = ask(members.beta, ("email", MD5))
    assert [problem.code for problem in refused.problems] == ["unkeyed_hash"]


def test_items_keep_their_places_whatever_is_wrong_with_others(members: Members) -> None:
    signal = members.submit()
    unread = [Problem("/value", "required", "Missing.")]
    bad, good, same, worse = ask(members.beta, ("md5", "no"), ("md5", MD5), ("md5", MD5.upper()), unread)
    assert [problem.path for problem in bad.problems] == ["/value"]
    assert worse.problems == unread
    assert [found.signal.pk for answer in (good, same) for found in answer.found] == [signal.pk, signal.pk]
    assert bad.found == worse.found == []


def test_the_closest_are_told_and_more_is_said_truthfully(members: Members) -> None:
    near = members.submit(indicators=[("pdq", PDQ)])
    others = [members.submit(indicators=[("pdq", flipped(PDQ, 1))]) for _ in range(MOST)]
    (answer,) = ask(members.beta, ("pdq", PDQ))
    assert [found.signal.pk for found in answer.found] == [
        near.pk,
        *sorted((signal.pk for signal in others), reverse=True)[: MOST - 1],
    ]
    assert answer.more
    Signal.objects.filter(pk=others[0].pk).update(retracted_at=Now())
    (answer,) = ask(members.beta, ("pdq", PDQ))
    assert len(answer.found) == MOST
    assert not answer.more


def test_a_signal_is_told_once_at_its_least_distance(members: Members) -> None:
    signal = members.submit(indicators=[("pdq", flipped(PDQ, 5)), ("pdq", flipped(PDQ, 2))])
    assert told(members.beta, ("pdq", PDQ)) == [[(signal.pk, 2)]]


def test_a_crowd_of_hidden_neighbours_hides_nothing(members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "_STEP", 2)
    hidden = factories.make_group("hidden")
    factories.give(members.alpha, hidden)
    for bits in range(1, 20):
        factories.submit(members.alpha, hidden, indicators=[("pdq", flipped(PDQ, bits))])
    signal = members.submit(indicators=[("pdq", flipped(PDQ, 25))])
    assert told(members.beta, ("pdq", PDQ), ("md5", MD5), ("pdq", flipped(PDQ, 31))) == [
        [(signal.pk, 25)],
        [],
        [(signal.pk, 6)],
    ]


def matched(members: Members) -> tuple[Signal, Signal]:
    """Two signals of two organisations about one file; alpha, beta and delta are told."""
    delta = factories.make_organisation("delta")
    factories.give(delta, members.group)
    first = members.submit()
    return first, factories.submit(delta, members.group, match=True, indicators=[("md5", MD5)])


def verdicts(organisation: Organisation) -> dict[int, dict[str, int]]:
    (answer,) = ask(organisation, ("md5", MD5))
    return {
        found.signal.pk: {verdict: count for verdict, count in found.verdicts.items() if count}
        for found in answer.found
    }


def review(organisation: Organisation, verdict: str) -> None:
    match = Match.objects.get(recipient=organisation)
    give_verdict(actor=factories.actor_for(organisation), uuid=match.uuid, verdict=verdict)


def test_verdicts_of_all_are_counted_on_both_sides(members: Members) -> None:
    first, second = matched(members)
    assert verdicts(members.beta) == {first.pk: {}, second.pk: {}}
    review(members.alpha, "true_positive")
    review(members.beta, "true_positive")
    review(Organisation.objects.get(slug="delta"), "disputed")
    counts = {"true_positive": 2, "disputed": 1}
    assert verdicts(members.beta) == {first.pk: counts, second.pk: counts}
    review(members.beta, "unreviewed")
    assert verdicts(members.beta)[first.pk] == {"true_positive": 1, "disputed": 1}


def test_a_verdict_on_a_match_with_a_hidden_signal_is_not_counted(members: Members) -> None:
    first, second = matched(members)
    review(members.alpha, "true_positive")
    hidden = factories.make_group("hidden")
    second.shares.update(sharing_group=hidden)
    assert verdicts(members.beta) == {first.pk: {}}
    first.shares.update(sharing_group=hidden)
    second.shares.update(sharing_group=members.group)
    assert verdicts(members.beta) == {second.pk: {}}


def test_every_verdict_has_a_count() -> None:
    assert set(VerdictCounts().fields) == set(VERDICTS)


def test_the_audit_counts_and_nothing_keeps_the_question(members: Members) -> None:
    ask(members.beta, ("md5", MD5), ("email", "someone@example.org"), ("phone", "+447911123456"), ("md5", "no"))
    entry = AuditEntry.objects.get(action="signals.looked_up")
    assert (entry.organisation_id, entry.detail) == (members.beta.pk, {"requests": 1, "items": 4})
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sharing_indicator")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("items", [1, 200])
def test_queries_do_not_grow_with_the_items(members: Members, items: int) -> None:
    matched(members)
    actor = factories.actor_for(members.beta)
    viewable_group_ids(actor)  # a key brings them
    asked = [IndicatorInput("md5", MD5)] + [IndicatorInput("md5", f"{number:032x}") for number in range(1, items)]
    with CaptureQueriesContext(connection) as queries:
        look_up(actor=actor, items=asked)
    tables = ["audit_auditentry", "sharing_signalindicator", "sharing_match"]
    assert [next(table for table in tables if table in query["sql"]) for query in queries] == tables
    with CaptureQueriesContext(connection) as queries:
        look_up(actor=actor, items=[IndicatorInput("md5", "0" * 32)])  # unknown: nothing to count verdicts of
    assert len(queries) == 2
