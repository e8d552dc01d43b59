"""Accounts: strength from what they share and from how rare it is, as far as each reader may see it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from accounts.models import Organisation
from sharing.matching.models import Match
from sharing.matching.selectors import MatchFilters, MatchView, matches_page, read_match
from sharing.matching.services import match_signals
from sharing.matching.strength import rarity
from sharing.signals.inputs import AccountInput
from sharing.signals.models import Signal
from sharing.signals.services import retract_signal
from sharing.visibility.models import SharingGroup
from tests import factories
from tests.videos import frames_of

pytestmark = pytest.mark.django_db
EMAIL, PHONE = ("email", "someone@example.org"), ("phone", "+442079460958")
PDQ = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22"
NEAR = f"{int(PDQ, 16) ^ 0xFF:064x}"


@dataclass(frozen=True)
class Cast:
    """alpha and beta share in `watch`; alpha and gamma in `hidden`. The agency views `watch`; the other one, both."""

    alpha: Organisation
    beta: Organisation
    gamma: Organisation
    agency: Organisation
    allseeing: Organisation
    watch: SharingGroup
    hidden: SharingGroup


@pytest.fixture
def cast() -> Cast:
    names = ("alpha", "beta", "gamma", "agency", "allseeing")
    organisations = {name: factories.make_organisation(name) for name in names}
    watch, hidden = factories.make_group("watch"), factories.make_group("hidden")
    for name, group, permission in (
        ("alpha", watch, "contribute"),
        ("alpha", hidden, "contribute"),
        ("beta", watch, "contribute"),
        ("gamma", hidden, "contribute"),
        ("agency", watch, "view"),
        ("allseeing", watch, "view"),
        ("allseeing", hidden, "view"),
    ):
        factories.give(organisations[name], group, permission)
    return Cast(**organisations, watch=watch, hidden=hidden)


def account(organisation: Organisation, *shared: Any, match: bool = False) -> Signal:
    groups = [item for item in shared if isinstance(item, SharingGroup)]
    indicators = shared[len(groups) :]
    return factories.submit(
        organisation,
        *groups,
        match=match,
        kind="account",
        account=AccountInput(platform="exampletube"),
        indicators=indicators,
    )


def only_match(organisation: Organisation) -> MatchView:
    (view,) = matches_page(factories.actor_for(organisation), MatchFilters())
    return view


def test_two_shared_identifiers_say_more_than_one(cast: Cast) -> None:
    account(cast.alpha, cast.watch, EMAIL, PHONE)
    account(cast.beta, cast.watch, EMAIL, PHONE, match=True)
    view = only_match(cast.agency)
    assert view.match.strength == pytest.approx(1 - 0.1 * 0.1)
    assert [(item.type, item.holders, item.counts) for item in view.related[0].evidence] == [
        ("email", 2, True),
        ("phone", 2, True),
    ]
    assert Match.objects.get(recipient=cast.agency).strength == pytest.approx(view.match.strength)


def test_an_identifier_that_many_share_says_little(cast: Cast) -> None:
    for _ in range(15):
        account(cast.alpha, cast.watch, EMAIL)
    account(cast.beta, cast.watch, EMAIL, match=True)
    view = only_match(cast.agency)
    assert view.match.strength == pytest.approx(0.9 * rarity(16)) == pytest.approx(0.9 / 4)
    assert {item.holders for related in view.related for item in related.evidence} == {16}


def test_shared_content_adds_and_a_near_picture_counts_both_hashes_holders(cast: Cast) -> None:
    account(cast.alpha, cast.watch, EMAIL, ("pdq", PDQ))
    account(cast.alpha, cast.watch, ("pdq", PDQ))
    account(cast.beta, cast.watch, EMAIL, ("pdq", NEAR), match=True)
    view = only_match(cast.agency)
    picture = 0.6 * (1 - 8 / 64) * rarity(3)
    assert [related.strength for related in view.related] == pytest.approx([1 - 0.1 * (1 - picture), picture])
    assert view.related[1].evidence[0].holders == 3


def test_a_shared_video_is_weighed_by_the_shares_that_each_reader_is_told_of(cast: Cast) -> None:
    """Half of the video is the same: enough in `hidden`, which only allseeing sees beside `watch`."""
    SharingGroup.objects.filter(pk=cast.hidden.pk).update(video_query_share=50, video_stored_share=50)
    dice = random.Random(7)
    film, other = ([f"{dice.getrandbits(256):064x}" for _ in range(10)] for _ in range(2))
    known = ("vpdq", frames_of(film))
    account(cast.alpha, cast.watch, cast.hidden, EMAIL, known)
    account(cast.beta, cast.watch, EMAIL, ("vpdq", frames_of(film[:5] + other[:5])), match=True)
    video = 0.6 * (1 - 50 / 200)
    for reader, strength in ((cast.agency, 0.9), (cast.allseeing, 1 - 0.1 * (1 - video))):
        view = only_match(reader)
        assert view.match.strength == pytest.approx(strength), reader
        assert [item.type for item in view.related[0].evidence] == ["email", "vpdq"][: 1 + (reader == cast.allseeing)]
        assert Match.objects.get(recipient=reader).strength == pytest.approx(strength)


def test_the_strongest_of_a_family_counts_and_the_others_are_shown(cast: Cast) -> None:
    md5 = ("md5", "900150983cd24fb0d6963f7d28e17f72")
    account(cast.alpha, cast.watch, md5, ("pdq", PDQ), EMAIL)
    account(cast.beta, cast.watch, md5, ("pdq", NEAR), EMAIL, match=True)
    evidence = only_match(cast.agency).related[0].evidence
    assert [(item.type, item.counts) for item in evidence] == [("email", True), ("md5", True), ("pdq", False)]


def test_what_is_kept_has_the_strength_of_the_whole(cast: Cast) -> None:
    """Five pieces of evidence are kept as a rule; those that count are kept however many others are stronger."""
    pictures = [("pdq", f"{(int(PDQ, 16) ^ (0xFFFF << 16 * at)):064x}") for at in range(10)]
    files = [("md5", f"{number:032x}") for number in range(1, 8)]
    rest = [("url", "https://example.org/a"), ("username", "somebody"), EMAIL, PHONE]
    mine = [factories.IndicatorInput(kind, value, platform="exampletube") for kind, value in [*pictures, *files, *rest]]
    account(cast.alpha, cast.watch, *mine)
    account(cast.beta, cast.watch, *mine, match=True)
    view = only_match(cast.agency)
    assert len(view.related[0].evidence) == 5
    assert {item.type for item in view.related[0].evidence if item.counts} == {
        "email",
        "phone",
        "username",
        "url",
        "md5",
    }
    assert view.match.strength == pytest.approx(Match.objects.get(recipient=cast.agency).strength)
    assert view.match.strength == pytest.approx(1 - 0.1 * 0.1 * 0.2 * 0.5 * 0.4)


def test_between_content_signals_rarity_does_not_count(cast: Cast) -> None:
    for _ in range(6):
        factories.submit(cast.alpha, cast.watch, indicators=[EMAIL])
    factories.submit(cast.beta, cast.watch, match=True, indicators=[EMAIL])
    view = only_match(cast.agency)
    assert (view.match.strength, view.is_weighed) == (1, False)
    assert view.related[0].evidence[0].holders is None


def test_hidden_holders_show_neither_in_the_count_nor_in_the_strength(cast: Cast) -> None:
    """Six more accounts with the same e-mail lie in a group that the agency is not in."""
    account(cast.alpha, cast.watch, EMAIL)
    for _ in range(6):
        account(cast.gamma, cast.hidden, EMAIL)
    account(cast.beta, cast.watch, EMAIL, match=True)
    view, stored = only_match(cast.agency), Match.objects.get(recipient=cast.agency)
    assert view.related[0].evidence[0].holders == 2
    assert [view.match.strength, stored.strength] == pytest.approx([0.9] * 2)
    view, stored = only_match(cast.allseeing), Match.objects.get(recipient=cast.allseeing)
    assert view.related[0].evidence[0].holders == 8
    assert [view.match.strength, stored.strength] == pytest.approx([0.9 * rarity(8)] * 2)


def test_the_order_of_the_related_is_by_what_the_recipient_sees(cast: Cast) -> None:
    """Hidden holders would make the telephone the weaker of the two."""
    by_phone = account(cast.alpha, cast.watch, PHONE)
    by_email = account(cast.alpha, cast.watch, EMAIL)
    account(cast.alpha, cast.watch, EMAIL)
    for _ in range(6):
        account(cast.gamma, cast.hidden, PHONE)
    account(cast.beta, cast.watch, PHONE, EMAIL, match=True)
    assert Match.objects.get(recipient=cast.agency).related[0] == by_phone.pk
    assert Match.objects.get(recipient=cast.allseeing).related[0] == by_email.pk


def test_what_is_hidden_later_is_not_counted_any_more(cast: Cast) -> None:
    account(cast.alpha, cast.watch, EMAIL)
    for _ in range(6):
        account(cast.alpha, cast.hidden, EMAIL)
    account(cast.beta, cast.watch, EMAIL, match=True)
    assert only_match(cast.allseeing).related[0].evidence[0].holders == 8
    cast.hidden.grants.filter(group=cast.allseeing.group).delete()
    view = only_match(cast.allseeing)
    assert [item.holders for related in view.related for item in related.evidence] == [2]
    assert view.match.strength == pytest.approx(0.9)
    read = read_match(actor=factories.actor_for(cast.allseeing), uuid=view.match.uuid)
    assert read.match.strength == pytest.approx(0.9)


def test_a_retracted_holder_is_counted_neither_when_told_nor_when_read(cast: Cast) -> None:
    gone = [account(cast.alpha, cast.watch, EMAIL) for _ in range(3)]
    account(cast.alpha, cast.watch, EMAIL)
    later = account(cast.beta, cast.watch, EMAIL, match=True)
    assert only_match(cast.alpha).match.strength == pytest.approx(0.9 * rarity(5))
    for signal in gone:
        # alpha still sees its own retracted signals; they count for nobody.
        retract_signal(actor=factories.actor_for(cast.alpha), uuid=signal.uuid, reason="Wrong account.")
    assert only_match(cast.alpha).match.strength == pytest.approx(0.9)
    match_signals([later.pk])
    assert Match.objects.get(recipient=cast.alpha).strength == pytest.approx(0.9)


def test_strength_is_the_same_from_either_side(cast: Cast) -> None:
    one = account(cast.alpha, cast.watch, EMAIL, ("pdq", PDQ), PHONE)
    account(cast.alpha, cast.watch, ("pdq", PDQ))
    other = account(cast.beta, cast.watch, EMAIL, ("pdq", NEAR), PHONE)
    found = []
    for signal in (one, other):
        Match.objects.all().delete()
        match_signals([signal.pk])
        found.append(Match.objects.get(recipient=cast.agency, signal=signal).strength)
    assert found[0] == found[1] < 1


def test_one_question_counts_the_holders_of_a_whole_page(cast: Cast, django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        mail = ("email", f"someone-{number}@example.org")
        account(cast.alpha, cast.watch, mail)
        account(cast.beta, cast.watch, mail, match=True)
    actor = factories.actor_for(cast.agency)
    # Groups that the actor views; matches; signals; their groups; their indicators; holders.
    with django_assert_max_num_queries(7):
        assert len(matches_page(actor, MatchFilters())) == 12
