"""A side of a match is taken back while somebody reads it: it is gone, and nothing fails."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.actor import Actor
from hub.errors import NotFound
from sharing.matching import selectors
from sharing.matching.models import Match
from sharing.matching.selectors import MatchFilters, matches_page, read_match
from sharing.signals.models import Signal
from sharing.signals.services import retract_signal
from tests import factories

pytestmark = pytest.mark.django_db
HASHES = [("md5", "900150983cd24fb0d6963f7d28e17f72")], [("md5", "d41d8cd98f00b204e9800998ecf84271")]


@pytest.fixture
def told() -> tuple[Actor, list[Signal], list[Signal]]:
    """An agency that was told of two matches, with the earlier and the later signal of each."""
    group = factories.make_group()
    alpha, beta, agency = (factories.make_organisation() for _ in range(3))
    for organisation in (alpha, beta):
        factories.give(organisation, group)
    factories.give(agency, group, "view")
    earlier = [factories.submit(alpha, group, indicators=hashes) for hashes in HASHES]
    later = [factories.submit(beta, group, match=True, indicators=hashes) for hashes in HASHES]
    return factories.actor_for(agency), earlier, later


@pytest.mark.parametrize("side", [1, 2], ids=["related", "signal"])
def test_what_is_retracted_between_the_two_looks_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, told: tuple[Actor, list[Signal], list[Signal]], side: int
) -> None:
    reader, gone = told[0], told[side][1]
    owner = factories.actor_for(gone.organisation)
    real = selectors._views

    def retracted_meanwhile(actor: Actor, matches: Any) -> Any:
        retract_signal(actor=owner, uuid=gone.uuid, reason="Wrong picture.")
        return real(actor, matches)

    uuid = Match.objects.get(recipient=reader.organisation_id, signal=told[2][1]).uuid
    monkeypatch.setattr(selectors, "_views", retracted_meanwhile)
    # One wanted, the newest is retracted meanwhile: the next one takes its place.
    (view,) = matches_page(reader, MatchFilters(), size=1)
    assert view.match.signal == told[2][0]
    with pytest.raises(NotFound):
        read_match(actor=reader, uuid=uuid)


def test_reading_one_that_is_retracted_meanwhile_finds_nothing(
    monkeypatch: pytest.MonkeyPatch, told: tuple[Actor, list[Signal], list[Signal]]
) -> None:
    reader, _earlier, later = told
    real = selectors._views

    def retracted_meanwhile(actor: Actor, matches: Any) -> Any:
        retract_signal(actor=factories.actor_for(later[1].organisation), uuid=later[1].uuid, reason="Wrong picture.")
        return real(actor, matches)

    uuid = Match.objects.get(recipient=reader.organisation_id, signal=later[1]).uuid
    monkeypatch.setattr(selectors, "_views", retracted_meanwhile)
    with pytest.raises(NotFound):
        read_match(actor=reader, uuid=uuid)
