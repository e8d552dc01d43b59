"""Bulk uploads (floor 3): begin or take up again, store a piece, finish, and forget.

A piece is stored in one transaction with how far the upload came, what became of its lines, its audit entry and its one
piece of matching work. So whatever is killed, the upload's row says exactly which lines are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts.actor import Actor
from accounts.identifier_quota import count_identifiers
from accounts.models import Scope
from hub.audit.services import record
from hub.errors import Conflict, NotPermitted, Problem
from hub.outbox.services import emit
from sharing.signals.bulk.copying import Stored, store_rows
from sharing.signals.bulk.models import BulkChunk, BulkUpload, digest_of_key
from sharing.signals.inputs import SignalInput
from sharing.signals.preparation import PreparedSignal
from sharing.signals.rights import require_still
from sharing.signals.rows import PreparedRow, Row, prepare_rows
from sharing.signals.services import CHANGED
from sharing.signals.tokens import plain_identifiers

MAX_LINES: Final = 100_000
# Of one line; what is wrong with a whole file is wrong with each of its lines.
MOST_PROBLEMS: Final = 5
TAKEN_OVER: Final = (
    "Another request with this Idempotency-Key has begun since, and goes on in place of this one. Send one at a time."
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A piece that is stored already."""

    first_line: int
    lines: int
    digest: bytes
    refused: frozenset[int]


@dataclass(frozen=True, slots=True)
class Hold:
    """One request's right to store, until another request takes it."""

    upload: int
    uuid: UUID
    holder: UUID
    kept: tuple[Kept, ...]
    # The end of the body was seen before.
    finished: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """Prepared lines, in their order, without a gap before them."""

    actor: Actor
    first_line: int
    rows: Sequence[PreparedRow]
    digest: bytes
    # Of each refused line, by its place, the external_id that may be shown.
    references: Mapping[int, str | None]


def begin_upload(*, actor: Actor, key: str, taken_over: Callable[[], bool]) -> Hold:
    """The upload of this key, new or taken up again. From here on earlier requests with the key store nothing more.

    Raises Conflict when this request has been `taken_over` itself meanwhile: the newer one may have begun already.
    """
    organisation = actor.require(Scope.WRITE_SIGNALS)
    if actor.client is None:
        raise NotPermitted("Bulk uploads are made with an API key.")
    held = uuid4()
    with transaction.atomic():
        upload, _created = BulkUpload.objects.get_or_create(
            client=actor.client,
            key_sha256=digest_of_key(key),
            defaults={"organisation": organisation},
        )
        # Waits for a piece that is being stored: what is read next is all there is.
        upload = BulkUpload.objects.select_for_update(no_key=True).get(pk=upload.pk)
        if taken_over():
            raise Conflict(TAKEN_OVER)
        upload.holder = held
        upload.save(update_fields=["holder"])
    rows = upload.chunks.order_by("first_line").values_list("first_line", "lines", "digest", "signals")
    kept = [
        Kept(first, lines, bytes(digest), frozenset(place for place, pk in enumerate(signals) if not pk))
        for first, lines, digest, signals in rows
    ]
    return Hold(upload.pk, upload.uuid, held, tuple(kept), upload.finished_at is not None)


def prepare_piece(*, actor: Actor, rows: Sequence[Row], seen: set[str]) -> list[PreparedRow]:
    """Outside of a transaction. Plain identifiers count against the quota; raises UsedUp."""
    actor.require(Scope.WRITE_SIGNALS)
    sent = [indicator for row in rows if isinstance(row, SignalInput) for indicator in row.indicators]
    count_identifiers(actor=actor, number=plain_identifiers(actor, sent), how="sent_plain")
    return prepare_rows(actor, rows, seen)


def store_piece(hold: Hold, piece: Piece) -> None:
    """Store it whole, or raise and store nothing: Conflict when the upload was taken over, or rights have changed."""
    organisation = piece.actor.require(Scope.WRITE_SIGNALS)
    with transaction.atomic():
        upload = BulkUpload.objects.select_for_update().filter(pk=hold.upload).first()
        if upload is None or upload.holder != hold.holder or upload.lines + 1 != piece.first_line:
            raise Conflict(TAKEN_OVER)
        stored = store_rows(piece.actor, organisation, piece.rows)
        refusals = _refusals(piece, stored)
        _keep(upload, piece, stored, refusals)
        if stored.signals:
            record(
                actor=piece.actor, action="signals.submitted", object_type="signal", count=len(stored.signals),
                bulk=str(hold.uuid),
            )  # fmt: skip
            emit(CHANGED, {"signals": sorted(stored.signals.values())})
        require_still(piece.actor, (row for row in piece.rows if isinstance(row, PreparedSignal)))


def _keep(upload: BulkUpload, piece: Piece, stored: Stored, refusals: list[dict[str, Any]]) -> None:
    BulkChunk.objects.create(
        upload=upload,
        first_line=piece.first_line,
        lines=len(piece.rows),
        digest=piece.digest,
        signals=[stored.signals.get(place, 0) for place in range(len(piece.rows))],
        updated=[piece.first_line + place for place in stored.updated],
        refusals=refusals,
    )
    BulkUpload.objects.filter(pk=upload.pk).update(
        lines=F("lines") + len(piece.rows),
        created=F("created") + len(stored.signals) - len(stored.updated),
        updated=F("updated") + len(stored.updated),
        refused=F("refused") + len(refusals),
    )


def _refusals(piece: Piece, stored: Stored) -> list[dict[str, Any]]:
    found = []
    for place, row in enumerate(piece.rows):
        problems = row if isinstance(row, list) else [stored.refused[place]] if place in stored.refused else None
        if problems is not None:
            found.append(
                {
                    "line": piece.first_line + place,
                    "external_id": _storable(
                        piece.references.get(place) if isinstance(row, list) else row.source.external_id
                    ),
                    "errors": [_worded(problem) for problem in _shortened(problems)],
                }
            )
    return found


def _shortened(problems: list[Problem]) -> list[Problem]:
    if len(problems) <= MOST_PROBLEMS:
        return problems
    message = f"There are {len(problems) - MOST_PROBLEMS} further problems."
    return [*problems[:MOST_PROBLEMS], Problem("", "more_problems", message, "Mend what is named, and send it again.")]


def _worded(problem: Problem) -> dict[str, str]:
    return {
        "path": _storable(problem.path) or "",
        "code": problem.code,
        "message": problem.message,
        "mend": problem.mend,
    }


def _storable(text: str | None) -> str | None:
    """What was sent and is told again, without what PostgreSQL can't hold: NUL, and halves of surrogate pairs."""
    return text and text.replace("\0", "\ufffd").encode(errors="replace").decode()


def finish_upload(hold: Hold) -> None:
    """The body has ended, and all of it is stored."""
    mine = BulkUpload.objects.filter(pk=hold.upload, holder=hold.holder)
    if not mine.filter(finished_at=None).update(finished_at=Now()) and not mine.exists():
        raise Conflict(TAKEN_OVER)


def purge_uploads() -> int:
    """Forget uploads that began long ago, and their keys. Their signals stay. Returns how many."""
    old = Now() - timedelta(days=settings.BULK_KEEP_DAYS)
    return BulkUpload.objects.filter(created_at__lt=old).delete()[1].get("sharing.BulkUpload", 0)
