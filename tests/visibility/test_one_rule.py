"""The rule of visibility is asked in several ways (row, page, audience, look-up, feed); in a random world all agree."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import Organisation
from accounts.services import actor_of_key
from sharing.feeds.services import read_feed
from sharing.signals.holders import Wanted, holders
from sharing.signals.models import Signal, SignalIndicator
from sharing.signals.selectors import SignalFilters, audience_ids, capped_count, newest_page
from sharing.visibility.models import GroupPermission, SharingGroup
from sharing.visibility.selectors import WITH_VIEWABLE_GROUPS, viewable_group_ids
from tests import factories

pytestmark = pytest.mark.django_db
HARMS = ("human_trafficking", "people_smuggling", "other")


def random_world(seed: int) -> list[Organisation]:
    dice = random.Random(seed)
    organisations = [factories.make_organisation(f"member-{number}") for number in range(6)]
    groups = [factories.make_group(f"g-{number}") for number in range(4)]
    for organisation in organisations:
        for group in groups:
            if dice.random() < 0.6:
                factories.give(organisation, group, dice.choice(["view", "contribute", "manage"]))
    for _ in range(40):
        owner = dice.choice(organisations)
        open_to = [group for group in groups if group in _contributable(owner)]
        chosen = dice.sample(open_to, k=min(len(open_to), dice.randint(0, 2)))
        named = tuple(other.slug for other in organisations if other != owner and dice.random() < 0.1)
        if chosen or named:
            factories.submit(
                owner,
                *chosen,
                named_organisations=named,
                harm=dice.choice(HARMS),
                summary=dice.choice(["boat tonight", "work abroad", ""]),
            )
    for signal in Signal.objects.order_by("pk"):
        fate = dice.random()
        if fate < 0.1:
            Signal.objects.filter(pk=signal.pk).update(retracted_at=Now())
        elif fate < 0.2:
            Signal.objects.filter(pk=signal.pk).update(expires_at=Now() - timedelta(days=1))
    SharingGroup.objects.filter(slug="g-3").update(status=SharingGroup.Status.CLOSED)
    Organisation.objects.filter(slug="member-5").update(status=Organisation.Status.SUSPENDED)
    return organisations


def _contributable(organisation: Organisation) -> set[SharingGroup]:
    return {
        grant.content_object
        for grant in organisation.group.sharinggroupgrant_set.filter(  # type: ignore[attr-defined]
            permission__codename="contribute_sharinggroup"
        ).select_related("content_object")
    }


@pytest.mark.parametrize("seed", range(6))
def test_row_by_row_page_and_audience_agree(seed: int) -> None:
    organisations = random_world(seed)
    everything = list(Signal.objects.values_list("pk", flat=True))
    audiences = audience_ids(everything)
    live = set(Signal.objects.filter(retracted_at=None, expires_at__gt=Now()).values_list("pk", flat=True))
    for organisation in organisations:
        actor = factories.actor_for(organisation)
        visible = set(Signal.objects.visible_to(actor).values_list("pk", flat=True))
        assert {pk for pk, seeing in audiences.items() if organisation.pk in seeing} == visible & live
        assert [signal.pk for signal in newest_page(actor, SignalFilters(), size=200)] == sorted(visible, reverse=True)
        assert capped_count(actor, SignalFilters()) == len(visible)


@pytest.mark.parametrize("seed", range(3))
def test_look_ups_agree_with_the_verb(seed: int) -> None:
    organisations = random_world(seed)
    links = dict(SignalIndicator.objects.values_list("indicator", "signal"))
    live = set(Signal.objects.filter(retracted_at=None, expires_at__gt=Now()).values_list("pk", flat=True))
    for organisation in organisations:
        actor = factories.actor_for(organisation)
        visible = set(Signal.objects.visible_to(actor).values_list("pk", flat=True))
        held, _ = holders(actor, [Wanted(pk, only_clear=False) for pk in links], [], quality=50, most=21)
        assert {one.pk for found in held for one in found} == (visible & live if actor.is_known else set())


@pytest.mark.django_db(transaction=True)  # a feed tells of what is committed
@pytest.mark.parametrize("seed", range(2))
def test_a_feed_agrees_with_the_verb(seed: int) -> None:
    for organisation in random_world(seed):
        actor = factories.actor_for(organisation)
        seen = Signal.objects.visible_to(actor).filter(retracted_at=None, expires_at__gt=Now())
        if actor.is_known:
            page = read_feed(actor=actor, cursor="", types=(), group="", limit=5_000)
            assert {entry.uuid for entry in page.entries} == set(seen.values_list("uuid", flat=True))


@pytest.mark.parametrize("seed", range(3))
def test_a_key_brings_the_groups_that_are_viewable(seed: int) -> None:
    for organisation in random_world(seed):
        _client, key = factories.make_client(organisation)
        actor = actor_of_key(key, WITH_VIEWABLE_GROUPS, address="")
        if actor is not None:
            assert actor.remembered[GroupPermission.VIEW] == viewable_group_ids(factories.actor_for(organisation))


@pytest.mark.parametrize(
    "filters",
    [
        SignalFilters(harm="other"),
        SignalFilters(text="boat"),
        SignalFilters(organisation="member-1"),
        SignalFilters(type="sha256"),
        SignalFilters(type="md5"),
        SignalFilters(harm="other", text="boat", organisation="member-2"),
    ],
    ids=str,
)
def test_filters_narrow_what_is_visible(filters: SignalFilters) -> None:
    for organisation in random_world(7):
        actor = factories.actor_for(organisation)
        expected = filters.apply(Signal.objects.visible_to(actor)).order_by("-pk").values_list("pk", flat=True)
        assert [signal.pk for signal in newest_page(actor, filters, size=200)] == list(expected)


def test_pages_follow_each_other_without_gap_or_repetition() -> None:
    for organisation in random_world(8):
        actor = factories.actor_for(organisation)
        walked: list[int] = []
        before = None
        while page := newest_page(actor, SignalFilters(), before=before, size=3):
            walked += [signal.pk for signal in page]
            before = walked[-1]
        assert walked == [signal.pk for signal in newest_page(actor, SignalFilters(), size=200)]


def test_a_group_filter_shows_that_group_and_tells_nothing_of_hidden_ones() -> None:
    owner, viewer = factories.make_organisation("owner"), factories.make_organisation("viewer")
    shown, hidden = factories.make_group("shown"), factories.make_group("hidden")
    for group in (shown, hidden):
        factories.give(owner, group)
    factories.give(viewer, shown, "view")
    signal = factories.submit(owner, shown, hidden)
    factories.submit(owner, hidden)
    actor = factories.actor_for(viewer)
    (page,) = newest_page(actor, SignalFilters(group="shown"))
    assert page.pk == signal.pk
    assert [share.sharing_group.slug for share in page.visible_shares] == ["shown"]  # type: ignore[attr-defined]
    assert newest_page(actor, SignalFilters(group="hidden")) == []
    assert newest_page(actor, SignalFilters(group="hidden", text="x")) == []
