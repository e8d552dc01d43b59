"""Telling organisations of matches, and taking their verdicts (floor 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Organisation, Scope
from hub.audit.services import record
from hub.errors import NotFound
from hub.outbox.models import OutboxEvent
from hub.outbox.services import emit, still_working
from hub.words import require_no_identifier
from sharing.matching.facts import facts_from, links_of, snapshot_now
from sharing.matching.floods.guard import sift
from sharing.matching.floods.summary import summarise
from sharing.matching.models import Match, Rematch
from sharing.matching.telling import Told, told_about
from sharing.matching.thresholds import thresholds

# Signals that are matched in one transaction, and how many rows it may come to: who relates to them waits for its end.
CHUNK = 100
_ROWS = 2_000
_SMALLEST_CHUNK = 10
_NAMED = 1_000  # signals of which is asked at once what rests on them
# {"found": [match ids], "updated": [match ids]}: rows that tell something new, or rest on other signals than before.
TOLD = "matches.told"
# {"match": id}: its recipient gave a verdict.
REVIEWED = "match.reviewed"


def match_changed(events: list[OutboxEvent]) -> None:
    """Match every signal that these pieces of work name. Idempotent; a repetition after a kill finds the same."""
    size = chunk_size(CHUNK)
    for signal_ids in _named_by(events):
        for start in range(0, len(signal_ids), size):
            match_signals(signal_ids[start : start + size])
            still_working(events)


def _named_by(events: list[OutboxEvent]) -> Iterator[list[int]]:
    """The signals to match, in parts: an upload's pieces name a hundred thousand."""
    wanted = set[int]()
    for event in events:
        wanted.update(event.payload["signals"])
        if len(wanted) >= _NAMED or event is events[-1]:
            # A changed signal may be what other matches rest on; those are worked out anew with it.
            resting = Match.objects.filter(related__overlap=sorted(wanted)).values_list("signal", flat=True)
            yield sorted(wanted.union(resting))
            wanted = set()


def chunk_size(most: int) -> int:
    """How many signals to match in one transaction: the more organisations may be told of each, the fewer."""
    members = Organisation.objects.filter(status=Organisation.Status.ACTIVE).count()
    return min(most, max(_SMALLEST_CHUNK, _ROWS // max(members, 1)))


def match_signals(signal_ids: Sequence[int], *, rematch: Rematch | None = None) -> None:
    """Bring the matches of these signals in line with what is stored now.

    With `rematch`, rows that are new remember it; when it is for one organisation, nobody else's rows are touched.
    """
    only = rematch.for_organisation_id if rematch else None
    with transaction.atomic():
        _one_worker_at_a_time(signal_ids)
        as_of = snapshot_now()
        bits = thresholds()
        sifted = sift(links_of(signal_ids, bits), bits)
        rows = Match.objects.filter(signal__in=signal_ids).exclude(related=[])
        if only is not None:
            rows = rows.filter(recipient=only)
        known = {(row.recipient_id, row.signal_id): row for row in rows.only("recipient", "signal", "related")}
        again = rematch is not None and only is None
        told_of = {related for row in known.values() for related in row.related}
        facts = facts_from(sifted.links, sifted.neighbours, as_of, told_of)
        told = told_about(signal_ids, facts, only=only, known=known.keys() if again else None)
        for match in told.values():
            match.rematch = rematch
        # Rows that rest on nothing any more stay, because a verdict may hang on them, but show nobody anything.
        # What a flood holds back now may have been told before, and stays.
        stale = [row.pk for key, row in known.items() if key not in told and key[1] not in sifted.held_back]
        if stale:
            Match.objects.filter(pk__in=stale).update(related=[], related_count=0, evidence=[], updated_at=Now())
        Match.objects.bulk_create(
            # In one order everywhere, so that two workers wait for each other instead of dead-locking.
            [told[key] for key in sorted(told)],
            batch_size=500,
            update_conflicts=True,
            unique_fields=["recipient", "signal"],
            update_fields=["strength", "related_count", "related", "evidence", "updated_at"],
        )
        summarise(sifted.crowds)
        if rematch is None:  # what that finds is announced as one summary at its end
            _announce(told, known)


def _announce(told: Told, known: Mapping[tuple[int, int], Match]) -> None:
    """One piece of work for whoever passes it on; none when the rows say what they said before."""
    found = [told[key].pk for key in sorted(told) if key not in known]
    updated = [
        told[key].pk for key in sorted(told) if key in known and set(told[key].related) != set(known[key].related)
    ]
    if found or updated:
        emit(TOLD, {"found": found, "updated": updated})


def _one_worker_at_a_time(signal_ids: Sequence[int]) -> None:
    """Wait for whoever works on one of these signals, before looking at anything.

    A worker that looked early and wrote late would put back what another had found meanwhile; and a pair that the other
    signal's worker then left out, because it had been told of here, would be lost. Advisory locks, so that members who
    change their signals don't wait too.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('match', signal_id)) FROM unnest(%s::bigint[]) AS signal_id",
            [sorted(signal_ids)],
        )


def give_verdict(*, actor: Actor, uuid: UUID, verdict: str, note: str = "") -> Match:
    """Record what a person found. May be given again; "unreviewed" takes it back. The audit keeps each verdict.

    Of the note it keeps the length only: operators read the audit, and a note is about a case.
    """
    actor.require(Scope.REVIEW_MATCHES)
    require_no_identifier(note, "/note")
    with transaction.atomic():
        match = (
            Match.objects.select_for_update(of=("self",)).filter(
                pk__in=Match.objects.visible_to(actor).filter(uuid=uuid).values("pk")
            )
        ).first()
        if match is None:
            raise NotFound
        before, match.verdict, match.note = match.verdict, verdict, note
        reviewed = verdict != Match.Verdict.UNREVIEWED
        match.reviewer = actor.user if reviewed else None
        match.reviewing_client = actor.client if reviewed else None
        match.reviewed_at = timezone.now() if reviewed else None
        match.save(update_fields=["verdict", "note", "reviewer", "reviewing_client", "reviewed_at"])
        record(
            actor=actor,
            action="match.verdict",
            object_type="match",
            object_id=match.uuid,
            before=before,
            verdict=verdict,
            note_length=len(note),
        )
        if reviewed:
            emit(REVIEWED, {"match": match.pk})
    return match
