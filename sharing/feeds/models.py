"""What a feed has to remember of the past (floor 5). Written by triggers of the database, read by stream and contents.

Plain ids instead of foreign keys: a memory must not keep what it speaks of from being deleted. All transaction ids are
those of pg_current_xact_id(), except `began_xid`: whatever ended in an earlier transaction than that was over when the
row was made.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from sharing.signals.fields import TransactionIdField


class AccessSpan(models.Model):
    """A time in which an organisation could see an active group's signals; without a group, in which it was not
    suspended."""

    # The organisation's auth group, which holds its permissions.
    auth_group_id = models.BigIntegerField()
    sharing_group_id = models.BigIntegerField(null=True)
    began_xid = TransactionIdField()
    opened_xid = TransactionIdField()
    ended_xid = TransactionIdField(null=True)  # type: ignore[misc]
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["auth_group_id", "sharing_group_id"],
                condition=Q(ended_xid=None),
                nulls_distinct=False,
                name="access_span_open_once",
            ),
        ]
        indexes = [
            # When could this organisation see that group; and all gains and losses of one organisation.
            models.Index(fields=["auth_group_id", "sharing_group_id"], name="access_span_of"),
            # The purge.
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="access_span_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.auth_group_id} in {self.sharing_group_id}"


class PastAudience(models.Model):
    """A share, or a name, that a signal had and has no more."""

    signal_id = models.BigIntegerField()
    # One of the two.
    sharing_group_id = models.BigIntegerField(null=True)
    auth_group_id = models.BigIntegerField(null=True)
    began_xid = TransactionIdField()
    ended_xid = TransactionIdField()
    ended_at = models.DateTimeField()

    class Meta:
        indexes = [
            # Which audience had this signal.
            models.Index(fields=["signal_id"], name="past_audience_of"),
            # Branches of a feed, in commit order; and a group's walk.
            models.Index(
                fields=["sharing_group_id", "ended_xid", "signal_id"],
                condition=Q(sharing_group_id__isnull=False),
                name="past_audience_group",
            ),
            models.Index(
                fields=["auth_group_id", "ended_xid", "signal_id"],
                condition=Q(auth_group_id__isnull=False),
                name="past_audience_named",
            ),
            models.Index(
                fields=["sharing_group_id", "signal_id"],
                condition=Q(sharing_group_id__isnull=False),
                name="past_audience_walk",
            ),
            # The purge.
            models.Index(fields=["ended_at"], name="past_audience_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.signal_id} was in {self.sharing_group_id or self.auth_group_id}"
