"""Many signals with the same indicators: told as pair by pair would tell them, without making the pairs."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from typing import Any

import pytest

from accounts.models import Organisation
from sharing.matching.facts import MIN_QUALITY, facts_from, snapshot_now
from sharing.matching.models import Match
from sharing.matching.relations import MAX_FACTS, Counts
from sharing.matching.services import match_signals
from sharing.matching.telling import MAX_RELATED
from sharing.matching.thresholds import thresholds
from sharing.signal_types import distance
from sharing.signals.inputs import IndicatorInput
from sharing.signals.models import Signal, SignalIndicator
from sharing.signals.selectors import audience_ids
from sharing.signals.services import submit_signals
from tests import factories

pytestmark = pytest.mark.django_db
MD5 = "900150983cd24fb0d6963f7d28e17f72"


def pair_by_pair(signal_ids: list[int], listed: int) -> dict[tuple[int, int], Any]:
    """What is to be told when nobody has been told anything: each pair of signals compared, indicator by indicator.
    What a later one of them lists, an earlier one leaves out."""
    links = defaultdict(list)
    for link in SignalIndicator.objects.select_related("indicator").order_by("indicator"):
        links[link.signal_id].append(link)
    owners = dict(Signal.objects.values_list("pk", "organisation"))
    audiences = audience_ids(owners)
    bits = thresholds()
    told: dict[tuple[int, int], Any] = {}
    for signal_id in sorted(signal_ids, reverse=True):
        for recipient in audiences.get(signal_id, frozenset()):
            rows = []
            for related_id in sorted(owners):
                if owners[related_id] == owners[signal_id] or recipient not in audiences.get(related_id, frozenset()):
                    continue
                if signal_id in [related for _, related, _ in told.get((recipient, related_id), [])[:listed]]:
                    continue
                pairs = [(one, two) for one in links[signal_id] for two in links[related_id]]
                facts = sorted(filter(None, (compared(one, two, bits) for one, two in pairs)))
                if facts:
                    rows.append((-facts[0][0], related_id, facts[:MAX_FACTS]))
            if rows:
                told[recipient, signal_id] = sorted(rows, key=lambda row: (-row[0], row[1]))
    return told


def compared(one: SignalIndicator, two: SignalIndicator, bits: dict[str, int]) -> Any:
    if one.indicator.signal_type != two.indicator.signal_type:
        return None
    apart = distance(bytes(one.indicator.value), bytes(two.indicator.value))
    threshold = bits[one.indicator.signal_type]
    blurred = any(link.quality is not None and link.quality < MIN_QUALITY for link in (one, two))
    if apart > (0 if blurred else threshold):
        return None
    return (apart / (2 * (threshold + 1)) - 1, one.indicator_id, two.indicator_id, apart)


def crowd(dice: random.Random) -> None:
    """Four organisations in two groups, with signals that share exact, near and low-quality indicators."""
    groups = [factories.make_group(), factories.make_group()]
    centre = dice.getrandbits(256)
    for _ in range(4):
        organisation = factories.make_organisation()
        mine = [group for group in groups if dice.random() < 0.8] or groups[:1]
        for group in mine:
            factories.give(organisation, group)
        for _ in range(8):
            indicators = [
                IndicatorInput("md5", f"{dice.randrange(1, 4):032x}") for _ in range(dice.choice([0, 0, 0, 1, 2]))
            ]
            for _ in range(dice.randrange(1, 4)):
                value = centre
                for bit in dice.sample(range(256), dice.randrange(0, 24)):
                    value ^= 1 << bit
                quality = dice.choice([None, 20, 90])
                indicators.append(IndicatorInput("pdq", f"{value:064x}", quality=quality))
            if dice.random() < 0.2:
                indicators.append(IndicatorInput("pdq", f"{centre:064x}", quality=dice.choice([None, 20, 90])))
            factories.submit(organisation, dice.choice(mine), indicators=indicators)


@pytest.mark.parametrize("seed", range(5))
def test_a_crowd_is_told_exactly_what_pair_by_pair_would_tell(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    # Short rows, so that what is left out of them is at stake too.
    monkeypatch.setattr("sharing.matching.telling.MAX_RELATED", 6)
    crowd(random.Random(seed))
    signal_ids = list(Signal.objects.order_by("?").values_list("pk", flat=True))[:20]
    expected = pair_by_pair(signal_ids, listed=6)
    match_signals(signal_ids)
    found = {(match.recipient_id, match.signal_id): match for match in Match.objects.all()}
    assert found.keys() == expected.keys()
    for key, rows in expected.items():
        match = found[key]
        assert match.related_count == len(rows)
        assert match.related == [related for _strength, related, _facts in rows[:6]]
        assert match.strength == pytest.approx(rows[0][0])
        assert [
            (item["signal"], item["indicator"], item["related_indicator"], item["distance"]) for item in match.evidence
        ] == [
            (related, own, other, apart)
            for _strength, related, facts in rows[:6]
            for _weight, own, other, apart in facts
        ]


def fill(organisation: Organisation, group: Any, signals: int, indicators: list[tuple[str, str]]) -> list[int]:
    items = [factories.signal_input(group, indicators=indicators) for _ in range(signals)]
    outcomes = submit_signals(actor=factories.actor_for(organisation), items=items)
    return [outcome.signal.pk for outcome in outcomes if outcome.signal is not None]


def test_a_crowd_with_the_same_indicators_makes_no_pairs() -> None:
    """400 x 300 signals with 30 common hashes: 100 of them are 2 million facts when written out, most of a minute."""
    group = factories.make_group()
    alpha, beta = factories.make_organisation(), factories.make_organisation()
    for organisation in (alpha, beta):
        factories.give(organisation, group)
    hashes = [("md5", f"{number:032x}") for number in range(1, 31)]
    fill(alpha, group, 400, hashes)
    wanted = fill(beta, group, 300, hashes)[:100]
    started = time.monotonic()
    match_signals(wanted)
    assert time.monotonic() - started < 10
    assert set(Match.objects.values_list("recipient", "signal")) == {
        (organisation.pk, signal) for organisation in (alpha, beta) for signal in wanted
    }
    for match in Match.objects.all()[:5]:
        assert (match.strength, match.related_count) == (1.0, 400)
        assert (len(match.related), len(match.evidence)) == (MAX_RELATED, MAX_RELATED * MAX_FACTS)


def test_a_signal_without_indicators_has_no_facts() -> None:
    group = factories.make_group()
    organisation = factories.make_organisation()
    factories.give(organisation, group)
    (signal,) = fill(organisation, group, 1, [("md5", MD5)])
    SignalIndicator.objects.all().delete()
    facts = facts_from([], {}, snapshot_now())
    assert (facts.related.size, facts.about(signal).strengths(Counts({})).size) == (0, 0)
    match_signals([signal])
    assert not Match.objects.exists()
