"""What is remembered of a bulk upload (floor 3): how far it came, and what became of each line.

None of it is what a signal says: ids, counts, digests, and the words about lines that were refused.
"""

from __future__ import annotations

import hashlib
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.actor import Actor
from accounts.models import ApiClient, Organisation


def digest_of_key(key: str) -> bytes:
    """What is stored of an Idempotency-Key: a member may make its keys of anything."""
    return hashlib.sha256(key.encode()).digest()


class BulkUploadQuerySet(models.QuerySet["BulkUpload"]):
    def visible_to(self, actor: Actor) -> BulkUploadQuerySet:
        """Those of the actor's own organisation."""
        if actor.organisation is None or not actor.is_known:
            return self.none()
        return self.filter(organisation=actor.organisation_id)


class BulkUpload(models.Model):
    """One body, however many requests it takes to send it whole."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="bulk_uploads")
    client = models.ForeignKey(ApiClient, on_delete=models.PROTECT, related_name="bulk_uploads", db_index=False)
    key_sha256 = models.BinaryField(max_length=32)
    # The request that may store now: the newest one. Each one that begins takes the upload over.
    holder = models.UUIDField(default=uuid4)
    lines = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # When the end of the body had been seen and all before it was stored.
    finished_at = models.DateTimeField(null=True)

    objects = BulkUploadQuerySet.as_manager()

    class Meta:
        constraints = [
            # The look-up of every request, and what keeps two that come at once from making two uploads.
            models.UniqueConstraint(fields=["client", "key_sha256"], name="bulk_upload_key"),
            models.CheckConstraint(
                condition=Q(lines=models.F("created") + models.F("updated") + models.F("refused")),
                name="bulk_upload_counts_each_line",
            ),
        ]
        indexes = [
            # The purge of old ones.
            models.Index(fields=["created_at"], name="bulk_upload_age"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def state(self) -> str:
        return "open" if self.finished_at is None else "complete"

    @property
    def stored(self) -> int:
        return self.created + self.updated


class BulkChunk(models.Model):
    """Lines that were stored in one transaction, together with this row."""

    upload = models.ForeignKey(BulkUpload, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    # Lines count from 1.
    first_line = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()
    # SHA-256 of the lines: a body that is sent again is compared, not stored.
    digest = models.BinaryField(max_length=32)
    # For each line its signal's id, 0 where it was refused.
    signals = ArrayField(models.BigIntegerField())
    # Which lines changed a signal that was there.
    updated = ArrayField(models.IntegerField())
    # [{"line": number, "external_id": text or null, "errors": [problem, ...]}]; problems never quote a value.
    refusals = models.JSONField()

    class Meta:
        constraints = [
            # Also the look-up of an upload's chunks in their order.
            models.UniqueConstraint(fields=["upload", "first_line"], name="bulk_chunk_once"),
        ]

    def __str__(self) -> str:
        return f"{self.upload_id} from {self.first_line}"
