"""Reading a feed, which is written down, and what keeps feeds right and small (floor 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from accounts.actor import Actor
from accounts.models import Organisation, Scope
from hub.audit.tallies import tally
from hub.errors import Invalid, Problem
from sharing.feeds.contents import Entry, contents
from sharing.feeds.models import AccessSpan, PastAudience
from sharing.feeds.position import LAST_ID, Filters, Place, Position, opened
from sharing.feeds.stream import Moment, Reach, changes, moment_of, next_walk, walked
from sharing.visibility.models import SharingGroup

MOST: Final = 5_000
# Signals that one request looks at, so many times what it may tell of, and then so many more.
_LOOKS: Final = 4
_LOOKS_MORE: Final = 2_000
_LEAST: Final = 200  # of one round
# The memory outlives the cursors that need it, for clocks and for transactions that took long.
_MARGIN: Final = timedelta(days=1)
_NOTED_AT_ONCE: Final = 1_000
_NOTED_IN_ALL: Final = 100_000


@dataclass(frozen=True, slots=True)
class FeedPage:
    entries: list[Entry]
    # Always there, at the end as well: what comes later is asked for by it.
    cursor: str
    more: bool


def read_feed(*, actor: Actor, cursor: str, types: tuple[str, ...], group: str, limit: int) -> FeedPage:
    """What changed for the actor since the cursor; without one, all that it may see. At most `limit` entries.

    Invalid for a cursor that is none of this feed, and for a group that the actor does not see; Gone for one of a time
    of which nothing is known any more.
    """
    organisation = actor.require(Scope.READ_SIGNALS)
    moment = moment_of(actor)
    filters = Filters(types, _group_id(moment, organisation, group, is_begun=bool(cursor)))
    position = Position.first(moment.horizon, moment.now)
    if cursor:
        oldest = moment.now - timedelta(days=settings.FEED_KEEP_DAYS).total_seconds()
        position = opened(
            cursor, organisation.pk, moment.cluster, filters, horizon=moment.horizon, oldest=oldest
        )  # fmt: skip
    entries, position, more = _read(moment, organisation, filters, position, limit)
    tally(actor=actor, action="feed.read", items=len(entries))
    return FeedPage(entries, position.sealed(organisation.pk, moment.cluster, filters), more)


def _group_id(moment: Moment, organisation: Organisation, slug: str, *, is_begun: bool) -> int | None:
    """One that is lost is still good for a cursor: its reader must hear of the loss."""
    if not slug:
        return None
    found = SharingGroup.objects.filter(slug=slug).values_list("pk", flat=True).first()
    if found in moment.groups:
        return found
    had = AccessSpan.objects.filter(auth_group_id=organisation.group_id, sharing_group_id=found)
    if found is None or not is_begun or not had.exists():
        mend = "GET /sharing-groups lists those that you see."
        raise Invalid([Problem("/group", "unknown_group", "You see no sharing group of this name.", mend)])
    return found


def _read(
    moment: Moment, organisation: Organisation, filters: Filters, position: Position, limit: int
) -> tuple[list[Entry], Position, bool]:
    reach = Reach(moment.groups, organisation.pk, organisation.group_id)
    if filters.group_id is not None:
        reach = Reach([pk for pk in moment.groups if pk == filters.group_id], None, None)
    entries: list[Entry] = []
    looks = _LOOKS * limit + _LOOKS_MORE
    # Half a page is enough: the last few places would take a round of their own.
    while len(entries) <= limit // 2 and looks > 0:
        room = limit - len(entries)
        places, place = _step(moment, reach, position, max(room, _LEAST))
        found = contents(moment, reach, filters, position.since, [place.signal for place in places])
        entries += [entry for _number, entry in found[:room]]
        looks -= len(places) + 1
        if len(found) > room:
            return entries, position.at(places[found[room - 1][0]]), True
        if place is None:
            last = places[-1] if places else position.place
            return entries, position.at(last).at_the_end(moment.horizon, moment.now), False
        position = position.at(place)
    return entries, position, True


def _step(moment: Moment, reach: Reach, position: Position, most: int) -> tuple[list[Place], Place | None]:
    """The next places on the line, and where the reader stands when it has been told of them; None at the end."""
    place = position.place
    if place.is_in_walk:
        places = walked(place, most)
        return places, places[-1] if len(places) == most else Place(place.xid, place.group, LAST_ID)
    walk = next_walk(moment, position)
    places, all_of_them = changes(reach, place, walk.xid + 1 if walk else moment.horizon, most)
    return places, walk if all_of_them else places[-1]


def note_expired() -> int:
    """Make an event of what passed by the clock, so that feeds tell of it. Returns how many signals.

    The database stamps each row that is written, and then counts it as gone. Rows that somebody is changing are left
    for the next time.
    """
    noted = 0
    with connection.cursor() as cursor:
        while noted < _NOTED_IN_ALL:
            cursor.execute(_NOTE, {"most": _NOTED_AT_ONCE})
            noted += cursor.rowcount
            if cursor.rowcount < _NOTED_AT_ONCE:
                break
    return noted


# Each statement is a transaction of its own: a feed waits for whatever is open.
_NOTE: Final = """
UPDATE sharing_signal SET expires_at = expires_at
 WHERE id IN (SELECT id FROM sharing_signal
               WHERE gone_xid IS NULL AND expires_at <= now()
               ORDER BY expires_at LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED)
"""


def purge_memory() -> int:
    """Forget what was taken away so long ago that every cursor of that time is refused. Returns how many rows."""
    old = Now() - timedelta(days=settings.FEED_KEEP_DAYS) - _MARGIN
    return sum(model.objects.filter(ended_at__lt=old).delete()[0] for model in (PastAudience, AccessSpan))
