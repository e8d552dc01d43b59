"""Reading what became of a bulk upload (floor 3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.actor import Actor
from accounts.models import Scope
from hub.errors import NotFound
from sharing.signals.bulk.models import BulkChunk, BulkUpload, digest_of_key
from sharing.signals.models import Signal


@dataclass(frozen=True, slots=True)
class LineResult:
    """Of one line. `id` and `external_id` are None where there is none to tell."""

    line: int
    status: str
    id: UUID | None
    external_id: str | None
    errors: list[dict[str, str]]


def bulk_upload(actor: Actor, uuid: UUID) -> BulkUpload:
    actor.require(Scope.WRITE_SIGNALS)
    found = BulkUpload.objects.visible_to(actor).filter(uuid=uuid).first()
    if found is None:
        raise NotFound
    return found


def upload_of_key(actor: Actor, key: str) -> BulkUpload:
    """The upload that the actor's own API client names by this key."""
    actor.require(Scope.WRITE_SIGNALS)
    mine = BulkUpload.objects.visible_to(actor).filter(client=actor.client, key_sha256=digest_of_key(key))
    found = mine.first() if actor.client else None
    if found is None:
        raise NotFound
    return found


def line_results(actor: Actor, upload: BulkUpload, *, after: int, most: int, status: str = "") -> list[LineResult]:
    """The results of lines behind `after`, in their order; of one status, or of all."""
    found: list[LineResult] = []
    for chunk in _chunks(upload, after):
        found += (row for row in _of_chunk(actor, chunk, after) if not status or row.status == status)
        if len(found) >= most:
            break
    return found[:most]


def _chunks(upload: BulkUpload, after: int) -> Iterator[BulkChunk]:
    """One at a time: together they may be long."""
    behind = upload.chunks.order_by("first_line")
    before = behind.filter(first_line__lte=after + 1).last()
    chunk = before or behind.first()
    while chunk is not None:
        yield chunk
        chunk = behind.filter(first_line__gt=chunk.first_line).first()


def _of_chunk(actor: Actor, chunk: BulkChunk, after: int) -> Iterator[LineResult]:
    skipped = max(0, after + 1 - chunk.first_line)
    ids = chunk.signals[skipped:]
    own = Signal.objects.visible_to(actor).filter(pk__in=[pk for pk in ids if pk])
    known = {pk: (uuid, external_id) for pk, uuid, external_id in own.values_list("pk", "uuid", "external_id")}
    refused: dict[int, dict[str, Any]] = {refusal["line"]: refusal for refusal in chunk.refusals}
    updated = set(chunk.updated)
    for line, pk in enumerate(ids, chunk.first_line + skipped):
        if line in refused:
            yield LineResult(line, "refused", None, refused[line]["external_id"], refused[line]["errors"])
        else:
            uuid, external_id = known.get(pk, (None, None))
            yield LineResult(line, "updated" if line in updated else "created", uuid, external_id, [])
