"""Many rows of one member, prepared together (floor 3): a batch, or a piece of a bulk upload."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from accounts.actor import Actor
from hub.errors import Problem
from sharing.signals.inputs import SignalInput
from sharing.signals.models import Signal
from sharing.signals.preparation import Preparation, PreparedSignal

Row = SignalInput | list[Problem]
PreparedRow = PreparedSignal | list[Problem]

_REPEATED: Final = Problem(
    "/external_id", "repeated", "An earlier row has the same external_id.", "Send each signal once."
)
_RETRACTED: Final = Problem(
    "/external_id",
    "retracted",
    "The signal with this external_id was retracted.",
    "Use a new external_id to share it again.",
)
_OTHER_KIND: Final = Problem(
    "/kind",
    "kind_stays",
    "The signal with this external_id is of the other kind, and a signal's kind stays as it is.",
    "Send the kind that it has, or use a new external_id.",
)


def prepare_rows(actor: Actor, rows: Sequence[Row], seen: set[str]) -> list[PreparedRow]:
    """Each row prepared, or with its problems; one whose external_id was `seen` is refused, others are added to it."""
    preparation = Preparation(actor, [row for row in rows if isinstance(row, SignalInput)])
    prepared: list[PreparedRow] = []
    for row in rows:
        result = preparation.prepare(row) if isinstance(row, SignalInput) else row
        external_id = result.source.external_id if isinstance(result, PreparedSignal) else None
        if external_id is not None:
            if external_id in seen:
                result = [_REPEATED]
            seen.add(external_id)
        prepared.append(result)
    return prepared


def standing_in_the_way(signal: Signal, row: PreparedSignal) -> Problem | None:
    """Why the signal that has the row's external_id can't be overwritten by it."""
    if signal.retracted_at is not None:
        return _RETRACTED
    return _OTHER_KIND if signal.kind != row.source.kind else None
