"""The formula of strength, for any terms: bounded, and moved the right way by each thing that goes into it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing import signal_types
from sharing.matching.strength import (
    MEDIA,
    MOST_HOLDERS,
    WEIGHTS,
    Term,
    closeness,
    combined,
    family_of,
    rarity,
    weight_of,
)

IDENTIFIERS = sorted(item.name for item in signal_types.ALL if item.keyed)


@st.composite
def terms(draw: st.DrawFn) -> Term:
    signal_type = draw(st.sampled_from(signal_types.ALL))
    threshold = signal_type.near.default_threshold if signal_type.near else 0
    holders = draw(st.none() | st.integers(0, 100_000))
    return Term(signal_type.name, draw(st.integers(0, threshold)), threshold, holders)


several = st.lists(terms(), max_size=12)


@given(several)
def test_strength_is_between_0_and_1(found: list[Term]) -> None:
    assert 0 <= combined(found) <= 1
    assert (combined(found) > 0) is bool(found)


@given(several, terms())
def test_one_more_shared_value_never_lowers_it(found: list[Term], more: Term) -> None:
    assert combined([*found, more]) >= combined(found)


@given(several, terms(), st.integers(0, 100_000))
def test_a_rarer_value_never_lowers_it(found: list[Term], term: Term, holders: int) -> None:
    rare, common = sorted((holders, term.holders or 0))
    kept = (term.signal_type, term.distance, term.threshold)
    assert combined([*found, Term(*kept, rare)]) >= combined([*found, Term(*kept, common)])


@given(several, terms(), st.integers(0, 31))
def test_a_nearer_value_never_lowers_it(found: list[Term], term: Term, nearer: int) -> None:
    near = Term(term.signal_type, min(nearer, term.distance), term.threshold, term.holders)
    assert combined([*found, near]) >= combined([*found, term])


@given(several, st.randoms())
def test_the_order_of_the_values_does_not_matter(found: list[Term], dice: random.Random) -> None:
    shuffled = list(found)
    dice.shuffle(shuffled)
    assert combined(shuffled) == combined(found)


@given(st.integers(0, 31), st.integers(0, 31))
def test_between_content_it_is_the_closeness_of_the_closest_hash(one: int, other: int) -> None:
    found = [Term("pdq", one, 31), Term("phash", min(other, 8), 8)]
    assert combined(found) == max(closeness(one, 31), closeness(min(other, 8), 8))


def test_all_hashes_of_one_picture_are_one_observation() -> None:
    pdq, md5 = Term("pdq", 0, 31, 2), Term("md5", 0, 0, 2)
    assert combined([pdq, md5]) == combined([pdq]) == weight_of("pdq")


def test_identifiers_of_two_kinds_add_to_each_other() -> None:
    email, phone = Term("email", 0, 0, 4), Term("phone", 0, 0, 2)
    assert combined([email, phone]) == pytest.approx(1 - (1 - 0.9 / 2) * (1 - 0.9))


@pytest.mark.parametrize(
    ("holders", "expected"), [(0, 1), (1, 1), (2, 1), (4, 1 / 2), (8, 1 / 3), (1_000, 0.1004), (5_000, 0.0814)]
)
def test_rarity_falls_slowly(holders: int, expected: float) -> None:
    assert rarity(holders) == pytest.approx(expected, rel=1e-3)
    assert rarity(MOST_HOLDERS) == rarity(10 * MOST_HOLDERS)


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_every_identifier_has_a_weight_of_its_own(name: str) -> None:
    """A new one would else count as a hash of media, and share a family with pictures."""
    assert name in WEIGHTS
    assert family_of(name) == name != MEDIA
