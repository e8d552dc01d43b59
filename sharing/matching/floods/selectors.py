"""Reads on flood notices (floor 4)."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.actor import Actor
from accounts.models import Scope
from sharing.matching.floods.models import FloodNotice
from sharing.signals.models import Signal, is_live
from sharing.signals.selectors import with_details


@dataclass(frozen=True, slots=True)
class FloodView:
    """A notice as its recipient may see it now.

    `signals` are the newest of those that it may still see, newest first. `value` is the hash or token by which the
    newest was reached, "" when no signal shown here holds it.
    """

    notice: FloodNotice
    type: str
    value: str
    signals: list[Signal]


def floods_page(actor: Actor, *, before: int | None = None, size: int = 50) -> list[FloodView]:
    """What the actor's organisation was told of floods, newest first; `before` is the id the last page ended with."""
    actor.require(Scope.READ_MATCHES)
    notices = FloodNotice.objects.visible_to(actor).select_related("flood__centre", "indicator").order_by("-pk")
    if before is not None:
        notices = notices.filter(pk__lt=before)
    rows = list(notices[:size])
    ids = {pk for notice in rows for pk in notice.newest}
    visible = Signal.objects.visible_to(actor).filter(is_live(), pk__in=ids)
    signals = {signal.pk: signal for signal in with_details(visible, actor)} if ids else {}
    shown = [(notice, [signals[pk] for pk in notice.newest if pk in signals]) for notice in rows]
    if not all(found for _, found in shown):
        # Something was hidden between the two looks. A shorter page would pass for the last one: look again.
        return floods_page(actor, before=before, size=size)
    return [_view(notice, found) for notice, found in shown]


def _view(notice: FloodNotice, signals: list[Signal]) -> FloodView:
    held = {link.indicator_id for signal in signals for link in signal.indicator_links.all()}
    is_held = notice.indicator is not None and notice.indicator_id in held
    return FloodView(
        notice=notice,
        type=notice.flood.centre.signal_type,
        value=notice.indicator.text if notice.indicator is not None and is_held else "",
        signals=signals,
    )
