"""What has become hidden is not told by the numbers of what is still shown."""

from __future__ import annotations

import pytest

from sharing.matching.selectors import MatchFilters, matches_of_signal, matches_page, read_match
from tests import factories

pytestmark = pytest.mark.django_db
PDQ = "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22"
NEAR = f"{int(PDQ, 16) ^ 0xFF:064x}"


def test_strength_and_count_are_of_what_is_shown() -> None:
    """The identical signal lies in a group that the agency has left; the near one, in another, is all it may know."""
    left, kept = factories.make_group(), factories.make_group()
    alpha, beta, gamma, agency = (factories.make_organisation() for _ in range(4))
    for organisation, group in ((alpha, left), (beta, kept), (gamma, left), (gamma, kept)):
        factories.give(organisation, group)
    for group in (left, kept):
        factories.give(agency, group, "view")
    factories.submit(alpha, left, indicators=[("pdq", PDQ)])
    near = factories.submit(beta, kept, indicators=[("pdq", NEAR)])
    factories.submit(gamma, left, kept, match=True, indicators=[("pdq", PDQ)])
    left.grants.filter(group=agency.group).delete()
    actor = factories.actor_for(agency)
    (view,) = matches_page(actor, MatchFilters())
    assert [related.signal for related in view.related] == [near]
    expected = 1 - 8 / 64
    assert view.match.strength == expected
    assert read_match(actor=actor, uuid=view.match.uuid).match.strength == expected
    assert [shown.match.strength for shown in matches_of_signal(actor, near)] == [expected]
