"""What waits for me (floor 7)."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.shortcuts import render

from sharing.matching import selectors as matching
from sharing.matching.models import Match
from sharing.notifications.selectors import switched_off_by_the_hub
from sharing.portal.access import MemberRequest, member
from sharing.portal.paging import capped
from sharing.portal.rematches import summary_lines
from sharing.portal.views.matches import listed
from sharing.signals import selectors as signals
from sharing.visibility.selectors import viewable_group_ids

NEWEST = 5


@member
def dashboard(request: MemberRequest) -> HttpResponseBase:
    actor = request.actor
    organisation = actor.organisation
    assert organisation is not None
    coming_in = matching.MatchFilters(found="submission")
    # Whenever they were found: the lines below are parts of this figure.
    waiting = matching.matches_count(actor, matching.MatchFilters(verdict=Match.Verdict.UNREVIEWED))
    own = signals.capped_count(actor, signals.SignalFilters(organisation=organisation.slug))
    context = {
        "waiting": waiting,
        "waiting_text": capped(waiting, matching.COUNT_CAP),
        "own": own,
        "own_text": capped(own, signals.COUNT_CAP),
        "matches": listed(matching.matches_page(actor, coming_in, size=NEWEST)),
        "signals": signals.newest_page(actor, signals.SignalFilters(), size=NEWEST),
        "summaries": summary_lines(actor),
        "webhooks_off": switched_off_by_the_hub(actor),
        "in_groups": bool(viewable_group_ids(actor)),
    }
    return render(request, "portal/dashboard.html", context)
