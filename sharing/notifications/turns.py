"""One sender at a time, for the whole hub (floor 5). A lease in a row, as for the pieces of work in the outbox."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Final

from django.db import connection
from django.db.models.functions import Now

from sharing.notifications.models import WebhookTurn

# Seconds: after a kill, nobody sends for so long. A sender renews it long before.
LEASE: Final = 10
_RENEWED_EVERY: Final = 2.0
_TAKE: Final = """
    INSERT INTO sharing_webhookturn AS turn (id, holder, until)
    VALUES (1, %(holder)s, statement_timestamp() + %(lease)s * interval '1 second')
        ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, until = excluded.until
     WHERE turn.until <= statement_timestamp() OR turn.holder = excluded.holder
"""


@dataclass(slots=True)
class Turn:
    holder: uuid.UUID = field(default_factory=uuid.uuid4)
    renewed: float = 0.0

    def take(self) -> bool:
        """Whether it is ours from now on. False: somebody else has it."""
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, {"holder": self.holder, "lease": LEASE})
            is_ours: bool = cursor.rowcount == 1
        self.renewed = time.monotonic()
        return is_ours

    def keep(self) -> bool:
        """Whether it is still ours, renewed in time. False: we were slower than the lease, and somebody took over."""
        return time.monotonic() - self.renewed < _RENEWED_EVERY or self.take()

    def give_back(self) -> None:
        WebhookTurn.objects.filter(holder=self.holder).update(until=Now())
