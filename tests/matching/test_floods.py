"""The flood guard: very many signals through one indicator are summarised, and nobody learns more by it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import Organisation
from sharing.matching.floods.models import Flood, FloodNotice, FloodSignal
from sharing.matching.floods.selectors import FloodView, floods_page
from sharing.matching.floods.services import decide_flood
from sharing.matching.models import Match
from sharing.matching.selectors import MatchFilters, MatchView, matches_page
from sharing.matching.services import match_signals
from sharing.signals.inputs import IndicatorInput
from sharing.signals.models import Signal
from sharing.signals.selectors import SignalFilters, newest_page
from sharing.signals.services import retract_signal, update_signal
from sharing.visibility.models import SharingGroup
from tests import factories

pytestmark = pytest.mark.django_db
LIMIT = 5
MD5 = ("md5", "900150983cd24fb0d6963f7d28e17f72")
EMAIL = ("email", "someone@example.org")
PDQ = 0xD8F8F0CEE0F4A84F0637022A078F67F0B36E2ED596621E1D33E6339C4E9C9B22


@dataclass(frozen=True)
class Cast:
    """alpha and beta share in `watch`, which the agency views; gamma and delta share in `hidden`."""

    alpha: Organisation
    beta: Organisation
    gamma: Organisation
    delta: Organisation
    agency: Organisation
    watch: SharingGroup
    hidden: SharingGroup


@pytest.fixture
def cast(settings: LazySettings) -> Cast:
    settings.MATCH_FLOOD_LIMIT = LIMIT
    organisations = {name: factories.make_organisation(name) for name in ("alpha", "beta", "gamma", "delta", "agency")}
    watch, hidden = factories.make_group("watch"), factories.make_group("hidden")
    for name in ("alpha", "beta"):
        factories.give(organisations[name], watch)
    for name in ("gamma", "delta"):
        factories.give(organisations[name], hidden)
    factories.give(organisations["agency"], watch, "view")
    return Cast(**organisations, watch=watch, hidden=hidden)


def near(number: int, bits: int = 4) -> tuple[str, str]:
    """A PDQ hash at most `bits` bits from the crowd's middle, another one for each number."""
    value = PDQ
    for bit in random.Random(number).sample(range(256), bits):
        value ^= 1 << bit
    return "pdq", f"{value:064x}"


def crowd(cast: Cast, signals: int, kind: str = "same", start: int = 0) -> list[Signal]:
    """Signals that arrive one after the other, from alpha and beta in turn."""
    return [
        factories.submit(
            (cast.alpha, cast.beta)[number % 2],
            cast.watch,
            match=True,
            indicators=[MD5 if kind == "same" else near(number)],
        )
        for number in range(start, start + signals)
    ]


def told(organisation: Organisation) -> list[MatchView]:
    return matches_page(factories.actor_for(organisation), MatchFilters())


def notices(organisation: Organisation) -> list[FloodView]:
    return floods_page(factories.actor_for(organisation))


KINDS = pytest.mark.parametrize("kind", ["same", "near"])


@KINDS
@pytest.mark.parametrize("past", [-1, 0, 1])
def test_up_to_the_limit_each_signal_is_told_and_beyond_it_they_are_summarised(
    cast: Cast, kind: str, past: int
) -> None:
    signals = crowd(cast, LIMIT + past, kind)
    for organisation in (cast.alpha, cast.beta, cast.agency):
        assert {view.match.signal for view in told(organisation)} == set(signals[1:LIMIT])
        if past <= 0:
            assert notices(organisation) == []
            continue
        (view,) = notices(organisation)
        assert (view.notice.told, view.type, view.value) == (1, *(MD5 if kind == "same" else near(LIMIT)))
        assert view.signals == signals[::-1]
    assert Flood.objects.count() == (1 if past > 0 else 0)


@KINDS
def test_a_notice_grows_and_there_is_one_for_each_recipient(cast: Cast, kind: str) -> None:
    signals = crowd(cast, LIMIT + 30, kind)
    (view,) = notices(cast.agency)
    assert view.notice.told == 30
    assert view.signals == signals[:-21:-1]
    flood = Flood.objects.get()
    assert (flood.signals, flood.summarised, flood.at_least) == (LIMIT + 1, 30, 30)
    assert FloodNotice.objects.count() == 3
    assert Match.objects.filter(signal__in=signals[LIMIT:]).count() == 0


@KINDS
def test_nothing_is_counted_twice_when_work_is_repeated(cast: Cast, kind: str) -> None:
    signals = [signal.pk for signal in crowd(cast, LIMIT + 3, kind)]
    before = list(FloodNotice.objects.order_by("pk").values("recipient", "told", "newest", "updated_at"))
    match_signals(signals[LIMIT:])
    match_signals(signals[LIMIT:])
    assert list(FloodNotice.objects.order_by("pk").values("recipient", "told", "newest", "updated_at")) == before
    assert Flood.objects.get().summarised == FloodSignal.objects.count() == 3


def test_alerts_from_before_the_flood_stay(cast: Cast) -> None:
    signals = crowd(cast, LIMIT)
    before = {view.match.pk for view in told(cast.agency)}
    crowd(cast, 2, start=LIMIT)
    match_signals([signal.pk for signal in signals])
    assert {view.match.pk for view in told(cast.agency)} == before
    assert all(view.related for view in told(cast.agency))


def test_a_batch_that_crosses_the_limit_by_itself_is_summarised_whole(cast: Cast) -> None:
    signals = [
        factories.submit((cast.alpha, cast.beta)[number % 2], cast.watch, indicators=[MD5]) for number in range(8)
    ]
    match_signals([signal.pk for signal in signals])
    assert not Match.objects.exists()
    assert [view.notice.told for view in notices(cast.agency)] == [8]


def test_other_indicators_of_a_flooded_signal_still_alert(cast: Cast) -> None:
    crowd(cast, LIMIT + 1)
    factories.submit(cast.alpha, cast.watch, indicators=[EMAIL])
    signal = factories.submit(cast.beta, cast.watch, match=True, indicators=[MD5, EMAIL])
    (view,) = [view for view in told(cast.agency) if view.match.signal == signal]
    assert [item.type for related in view.related for item in related.evidence] == ["email"]
    assert notices(cast.agency)[0].notice.told == 2


def test_nothing_is_dropped_from_searches(cast: Cast) -> None:
    signals = crowd(cast, LIMIT + 3)
    found = newest_page(factories.actor_for(cast.agency), SignalFilters(text=MD5[1]))
    assert found == signals[::-1]


def test_signals_with_several_hashes_of_the_crowd_count_once(cast: Cast) -> None:
    """Frames of a few videos are many hashes near each other, and no flood."""
    for number in range(4):
        frames = [near(10 * number + frame) for frame in range(10)]
        organisation = (cast.alpha, cast.beta)[number % 2]
        factories.submit(organisation, cast.watch, match=True, indicators=frames)
    assert not Flood.objects.exists()
    assert len(told(cast.agency)) == 3


def test_a_poor_hash_is_reached_by_identity_only(cast: Cast) -> None:
    crowd(cast, LIMIT + 2, "near")
    poor = [IndicatorInput(*near(99), quality=20)]
    factories.submit(cast.alpha, cast.watch, match=True, indicators=poor)
    signal = factories.submit(cast.beta, cast.watch, match=True, indicators=poor)
    assert signal in [view.match.signal for view in told(cast.agency)]


def test_what_lies_apart_is_another_flood_or_none(cast: Cast) -> None:
    crowd(cast, LIMIT + 1, "near")
    far = f"{PDQ ^ ((1 << 100) - 1):064x}"
    signals = [
        factories.submit((cast.alpha, cast.beta)[n % 2], cast.watch, match=True, indicators=[("pdq", far)])
        for n in range(LIMIT)
    ]
    assert {view.match.signal for view in told(cast.agency)} >= set(signals[1:])
    factories.submit(cast.alpha, cast.watch, match=True, indicators=[("pdq", far)])
    assert Flood.objects.count() == 2


def test_the_edge_of_a_flood_is_still_told_one_by_one(cast: Cast) -> None:
    """Within the threshold of the centre, but not of enough others."""
    crowd(cast, LIMIT + 2, "near")
    centre = int.from_bytes(bytes(Flood.objects.get().centre.value))
    others = PDQ ^ centre
    bits = [bit for bit in range(256) if not others >> bit & 1][:30]
    edge = f"{centre ^ sum(1 << bit for bit in bits):064x}"
    signal = factories.submit(cast.alpha, cast.watch, match=True, indicators=[("pdq", edge)])
    (view,) = [view for view in told(cast.agency) if view.match.signal == signal]
    assert 0 < len(view.related) <= LIMIT


def test_expired_and_retracted_signals_make_no_flood(cast: Cast) -> None:
    for signal in crowd(cast, LIMIT + 3):
        retract_signal(actor=factories.actor_for(signal.organisation), uuid=signal.uuid, reason="Wrong picture.")
    later = crowd(cast, 2, start=100)
    assert [view.match.signal for view in told(cast.agency)] == [later[1]]
    assert notices(cast.agency) == []


# --- Visibility ----------------------------------------------------------------------------------------------------
def test_who_sees_only_its_own_part_of_a_crowd_learns_nothing(cast: Cast) -> None:
    """gamma and delta flood a hash in their group; alpha, which shares elsewhere, must not learn of it."""
    for number in range(LIMIT + 3):
        factories.submit((cast.gamma, cast.delta)[number % 2], cast.hidden, match=True, indicators=[MD5])
    for _ in range(3):
        factories.submit(cast.alpha, cast.watch, match=True, indicators=[MD5])
    for organisation in (cast.alpha, cast.beta, cast.agency):
        assert (told(organisation), notices(organisation)) == ([], [])
    assert len(notices(cast.gamma)) == 1
    # And as soon as another organisation that it sees comes in, it is told, of what it sees.
    signal = factories.submit(cast.beta, cast.watch, match=True, indicators=[MD5])
    (view,) = notices(cast.alpha)
    assert (view.notice.told, view.signals[0], len(view.signals)) == (4, signal, 4)


def test_one_from_before_the_flood_is_enough_to_be_told(cast: Cast) -> None:
    first = factories.submit(cast.alpha, cast.watch, match=True, indicators=[MD5])
    for number in range(LIMIT + 30):
        factories.submit((cast.gamma, cast.delta)[number % 2], cast.hidden, match=True, indicators=[MD5])
    signal = factories.submit(cast.beta, cast.watch, match=True, indicators=[MD5])
    (view,) = notices(cast.agency)
    assert (view.notice.told, view.signals) == (1, [signal, first])


def test_a_lost_grant_takes_the_notice_away(cast: Cast) -> None:
    crowd(cast, LIMIT + 3)
    assert len(notices(cast.agency)) == 1
    cast.watch.grants.filter(group=cast.agency.group).delete()
    assert notices(cast.agency) == []


def test_what_is_left_of_one_organisation_alone_is_not_shown(cast: Cast) -> None:
    for signal in crowd(cast, LIMIT + 3):
        if signal.organisation == cast.beta:
            retract_signal(actor=factories.actor_for(cast.beta), uuid=signal.uuid, reason="Wrong picture.")
    assert notices(cast.agency) == []


def test_the_second_organisation_is_not_crowded_out_of_the_list(cast: Cast) -> None:
    crowd(cast, LIMIT + 1)
    for _ in range(25):
        factories.submit(cast.alpha, cast.watch, match=True, indicators=[MD5])
    (view,) = notices(cast.agency)
    assert {signal.organisation for signal in view.signals} == {cast.alpha, cast.beta}


def test_the_hash_is_shown_only_when_a_signal_that_is_shown_holds_it(cast: Cast) -> None:
    signals = crowd(cast, LIMIT + 2, "near")
    assert notices(cast.agency)[0].value == near(LIMIT + 1)[1]
    retract_signal(actor=factories.actor_for(signals[-1].organisation), uuid=signals[-1].uuid, reason="Wrong picture.")
    assert notices(cast.agency)[0].value == ""


def test_a_grown_audience_is_told(cast: Cast) -> None:
    crowd(cast, LIMIT + 2)
    late = factories.make_organisation("late")
    other = factories.make_group("other")
    factories.give(late, other, "view")
    factories.give(cast.alpha, other)
    factories.give(cast.beta, other)
    for signal in Signal.objects.order_by("-pk")[:2]:
        update_signal(
            actor=factories.actor_for(signal.organisation),
            uuid=signal.uuid,
            changes={"sharing_groups": ("watch", "other")},
        )
        match_signals([signal.pk])
    (view,) = notices(late)
    assert len(view.signals) == 2


# --- Decisions -----------------------------------------------------------------------------------------------------
def decide(decision: str, days: float = 1) -> Flood:
    return decide_flood(
        actor=factories.make_operator(),
        flood=Flood.objects.get(),
        decision=decision,
        reason="A blank picture.",
        until=timezone.now() + timedelta(days=days),
    )


@KINDS
def test_an_excluded_flood_tells_nobody_until_the_decision_ends(cast: Cast, kind: str) -> None:
    crowd(cast, LIMIT + 1, kind)
    flood = decide("excluded")
    crowd(cast, 3, kind, start=20)
    assert [view.notice.told for view in notices(cast.agency)] == [1]
    assert len(told(cast.agency)) == LIMIT - 1
    Flood.objects.filter(pk=flood.pk).update(decided_until=timezone.now())
    crowd(cast, 2, kind, start=30)
    assert [view.notice.told for view in notices(cast.agency)] == [3]


def test_an_excluded_hash_stays_excluded_when_fewer_hold_it(cast: Cast) -> None:
    signals = crowd(cast, LIMIT + 1)
    decide("excluded")
    for signal in signals:
        retract_signal(actor=factories.actor_for(signal.organisation), uuid=signal.uuid, reason="Wrong picture.")
    crowd(cast, 2, start=20)
    assert (told(cast.agency), notices(cast.agency)) == ([], [])


@KINDS
def test_an_alerting_flood_raises_alerts_one_by_one(cast: Cast, kind: str) -> None:
    crowd(cast, LIMIT + 1, kind)
    decide("alerting")
    later = crowd(cast, 2, kind, start=20)
    found = {view.match.signal: view for view in told(cast.agency)}
    assert found.keys() >= set(later)
    assert found[later[1]].match.related_count == len(found[later[1]].related) == (LIMIT + 2) // 2 + 1
    assert [view.notice.told for view in notices(cast.agency)] == [1]


def test_each_new_signal_costs_the_same_however_large_the_crowd(
    cast: Cast, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row for each pair, no holder fetched, and the index is not asked for a value that the witnesses know."""
    crowd(cast, LIMIT + 20, "near")

    class Refuses:
        def neighbours(self, signal_type: str, values: list[bytes], threshold: int) -> Any:
            assert not values, "the index would answer with the whole crowd"
            return []

    monkeypatch.setattr("sharing.matching.facts.near_index", Refuses)
    signals = [
        factories.submit((cast.alpha, cast.beta)[n % 2], cast.watch, indicators=[near(n)]).pk for n in range(40, 60)
    ]
    with django_assert_max_num_queries(40):
        match_signals(signals)
    assert [view.notice.told for view in notices(cast.agency)] == [40]
    assert not Match.objects.filter(signal__in=signals).exists()
