"""Writes on signals (floor 3): submit, change, retract. And reading one, because that is written down too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.actor import Actor
from accounts.identifier_quota import count_identifiers
from accounts.models import Organisation, Scope
from hub.audit.services import record
from hub.errors import Conflict, Invalid, NotFound, NotPermitted, Problem
from hub.outbox.services import emit
from hub.words import require_no_identifier
from sharing.signals import storage
from sharing.signals.inputs import SignalInput
from sharing.signals.models import Signal
from sharing.signals.preparation import Preparation, PreparedSignal
from sharing.signals.rights import require_still
from sharing.signals.rows import PreparedRow, Row, prepare_rows, standing_in_the_way
from sharing.signals.selectors import as_input, with_details
from sharing.signals.tokens import plain_identifiers

CHANGED = "signals.changed"
# {"signal": id}
RETRACTED = "signal.retracted"
# Each is parsed, looked up and written: more would hold a web thread for the best part of a minute.
MAX_INDICATORS_IN_ALL = 20_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row of a submission: a stored signal, or the problems that kept it out."""

    signal: Signal | None
    created: bool = False
    problems: tuple[Problem, ...] = ()


def submit_signal(*, actor: Actor, item: SignalInput) -> Outcome:
    """Store one signal, or raise Invalid with every problem of it."""
    (outcome,) = submit_signals(actor=actor, items=[item])
    if outcome.signal is None:
        raise Invalid(list(outcome.problems))
    return outcome


def submit_signals(*, actor: Actor, items: Sequence[Row], atomic: bool = False) -> list[Outcome]:
    """Store the good rows of a batch and report the bad ones; with `atomic`, store all or nothing (Invalid).

    A row that failed before it could become a SignalInput is given as its problems, so that it keeps its place.
    Submitting an `external_id` again overwrites that signal. One audit entry and one piece of matching work in all.
    """
    organisation = actor.require(Scope.WRITE_SIGNALS)
    sent = [indicator for item in items if isinstance(item, SignalInput) for indicator in item.indicators]
    require_few(len(sent))
    count_identifiers(actor=actor, number=plain_identifiers(actor, sent), how="sent_plain")
    prepared = prepare_rows(actor, items, set())
    require_few(sum(row.weight for row in prepared if isinstance(row, PreparedSignal)))
    if atomic:
        _raise_if_any(prepared)
    with transaction.atomic():
        outcomes = _store(actor, organisation, prepared)
        if atomic:
            _raise_if_any([list(outcome.problems) or outcome for outcome in outcomes])
        stored = [outcome.signal for outcome in outcomes if outcome.signal is not None]
        _announce(actor, "signals.submitted", stored)
        require_still(actor, (row for row in prepared if isinstance(row, PreparedSignal)))
    return outcomes


def require_few(indicators: int) -> None:
    """Invalid when a batch holds too many in all. Worth asking before its rows are read."""
    if indicators > MAX_INDICATORS_IN_ALL:
        raise Invalid([_TOO_MANY])


def update_signal(*, actor: Actor, uuid: UUID, changes: dict[str, Any]) -> Signal:
    """Change fields of one's own signal; what is not named stays. Lists (indicators, groups) are replaced whole.

    `changes` has the names of SignalInput. Without "indicators" the stored ones stay, tokens included.
    """
    organisation = actor.require(Scope.WRITE_SIGNALS)
    keeps_indicators = "indicators" not in changes
    count_identifiers(actor=actor, number=plain_identifiers(actor, changes.get("indicators", ())), how="sent_plain")
    with transaction.atomic():
        signal = _own_for_update(actor, organisation, uuid)
        if signal.retracted_at is not None:
            raise Conflict("This signal was retracted. Submit it as a new one.")
        item = replace(as_input(signal), **changes)
        prepared = Preparation(actor, [item]).prepare(item, keeps_indicators=keeps_indicators)
        if isinstance(prepared, list):
            raise Invalid([_as_change(problem, changes) for problem in prepared])
        storage.overwrite_signals([signal], [prepared])
        storage.replace_links(actor, [signal], [prepared], keeps_indicators=keeps_indicators)
        _announce(actor, "signal.updated", [signal], fields=sorted(changes))
        require_still(actor, [prepared])
    return signal


def retract_signal(*, actor: Actor, uuid: UUID, reason: str) -> Signal:
    """Take one's own signal back. At once nobody else sees it or a match with it; retracting twice changes nothing."""
    organisation = actor.require(Scope.WRITE_SIGNALS)
    require_no_identifier(reason, "/reason")
    with transaction.atomic():
        signal = _own_for_update(actor, organisation, uuid)
        if signal.retracted_at is None:
            signal.retracted_at = timezone.now()
            signal.retraction_reason = reason
            signal.save(update_fields=["retracted_at", "retraction_reason"])
            # Its length only: the reason is about a case, and operators read the audit.
            _announce(actor, "signal.retracted", [signal], reason_length=len(reason))
            emit(RETRACTED, {"signal": signal.pk})
    return signal


def read_signal(*, actor: Actor, uuid: UUID) -> Signal:
    """One signal with its details, if the actor may see it. Leaves a trace in the audit."""
    actor.require(Scope.READ_SIGNALS)
    signal = with_details(Signal.objects.visible_to(actor).filter(uuid=uuid), actor).first()
    if signal is None:
        raise NotFound
    record(actor=actor, action="signal.read", object_type="signal", object_id=signal.uuid)
    return signal


_TOO_MANY = Problem(
    "/signals",
    "too_many_indicators",
    f"A batch holds at most {MAX_INDICATORS_IN_ALL} indicators, frames of videos among them, in all its signals.",
    "Split it into several batches.",
)
_EXPIRED = Problem(
    "/expires_at",
    "expired",
    "This signal has expired.",
    "Send an expires_at in the future with the change.",
)


def _raise_if_any(rows: Sequence[PreparedRow | Outcome]) -> None:
    problems = [
        problem.below(f"/signals/{position}")
        for position, row in enumerate(rows)
        if isinstance(row, list)
        for problem in row
    ]
    if problems:
        raise Invalid(problems)


def _store(actor: Actor, organisation: Organisation, prepared: Sequence[PreparedRow]) -> list[Outcome]:
    good = {position: row for position, row in enumerate(prepared) if isinstance(row, PreparedSignal)}
    outcomes = [Outcome(None, problems=tuple(row) if isinstance(row, list) else ()) for row in prepared]
    stored: list[tuple[Signal, PreparedSignal]] = []
    known: list[tuple[Signal, PreparedSignal]] = []
    held = storage.insert_or_lock(organisation, list(good.values()))
    for (position, row), (signal, created) in zip(good.items(), held, strict=True):
        problem = None if created else standing_in_the_way(signal, row)
        outcomes[position] = Outcome(None, problems=(problem,)) if problem else Outcome(signal, created=created)
        if problem is None:
            stored.append((signal, row))
            if not created:
                known.append((signal, row))
    storage.overwrite_signals([signal for signal, _row in known], [row for _signal, row in known])
    storage.replace_links(actor, [signal for signal, _row in stored], [row for _signal, row in stored])
    return outcomes


def _announce(actor: Actor, action: str, signals: Sequence[Signal], **detail: Any) -> None:
    """One audit entry and one piece of work, in the transaction of the change."""
    if not signals:
        return
    single = signals[0].uuid if len(signals) == 1 else ""
    record(
        actor=actor,
        action=action,
        object_type="signal",
        object_id=single,
        count=len(signals),
        **detail,
    )
    emit(CHANGED, {"signals": [signal.pk for signal in signals]})


def _as_change(problem: Problem, changes: Mapping[str, Any]) -> Problem:
    """A problem of what is stored and was not sent: to leave it out is no mend."""
    return _EXPIRED if problem.path == "/expires_at" and "expires_at" not in changes else problem


def _own_for_update(actor: Actor, organisation: Organisation, uuid: UUID) -> Signal:
    if not Signal.objects.visible_to(actor).filter(uuid=uuid).exists():
        raise NotFound
    locked = Signal.objects.select_for_update(of=("self",), no_key=True)
    own = locked.filter(uuid=uuid, organisation=organisation).first()
    if own is None:
        raise NotPermitted("Only the organisation that submitted a signal may change it.")
    return own
