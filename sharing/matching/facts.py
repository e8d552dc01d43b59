"""What relates to what, before anybody's permissions (floor 4): the questions to the database and to the index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, F, Func, Q, Value
from django.db.models.functions import Now

from sharing import signal_types
from sharing.matching.index import Neighbour, near_index
from sharing.matching.relations import Facts, Holders, Link, Neighbours
from sharing.matching.shares import thresholds_in_use
from sharing.matching.video import VideoNeighbour, video_neighbours
from sharing.signals.models import Signal, SignalIndicator

# PDQ's quality below which a picture has too little in it for nearness to mean anything (0 to 100).
MIN_QUALITY = 50


def snapshot_now() -> str:
    """What is committed now, for `facts_from`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        (snapshot,) = cursor.fetchone()
    return str(snapshot)


def facts_from(links: Sequence[Link], neighbours: Neighbours, as_of: str, told_of: Collection[int] = ()) -> Facts:
    """The facts that these links make with the live signals that hold one of their neighbours.

    Each type of hash is looked up at a moment of its own. A signal that was committed between two of them would be
    found by some of its hashes only, and told of with half of the evidence. So those that were not there `as_of`,
    before the first moment, are left to their own turn, which finds all that they share.

    But not those of which these signals' rows tell already (`told_of`): a change of one, even a submission of the same
    once more, would take the pair out of the row and away from its verdict, and its own turn would tell it as new. That
    turn brings these rows along, and puts right what was looked up before the change.
    """
    wanted = {neighbour.indicator_id for found in neighbours.values() for neighbour in found}
    # Aggregated in the database: three values to fetch for each indicator instead of a row for each of its holders.
    rows = (
        SignalIndicator.objects.filter(LIVE, _was_there(as_of) | Q(signal__in=told_of), indicator__in=wanted)
        .values("indicator")
        .annotate(signals=ArrayAgg("signal"), clear=ArrayAgg(CLEAR), accounts=ArrayAgg(_ACCOUNT))
        .order_by("indicator")
        .values_list("indicator", "signals", "clear", "accounts")
    )
    return Facts(links, neighbours, Holders.of(list(rows)))


def _was_there(as_of: str) -> Q:
    """Of signals: written by a transaction that the snapshot sees, by this one, or by one of an earlier life of the
    database. After a restore from a dump, transactions are counted anew, and rows carry numbers that are still to
    come."""
    seen = Func(
        F("signal__commit_xid"), Value(as_of), function="pg_visible_in_snapshot", output_field=BooleanField(),
        template="%(function)s(%(expressions)s::pg_snapshot)",
    )  # fmt: skip
    to_come = Func(
        F("signal__commit_xid"), output_field=BooleanField(),
        template="%(expressions)s >= pg_snapshot_xmax(pg_current_snapshot())",
    )  # fmt: skip
    own = Func(
        F("signal__commit_xid"), output_field=BooleanField(),
        template="%(expressions)s = pg_current_xact_id_if_assigned()",
    )  # fmt: skip
    return Q(seen) | Q(to_come) | Q(own)


CLEAR = ExpressionWrapper(Q(quality=None) | Q(quality__gte=MIN_QUALITY), output_field=BooleanField())
LIVE = Q(signal__retracted_at=None, signal__expires_at__gt=Now())
_ACCOUNT = ExpressionWrapper(Q(signal__kind=Signal.Kind.ACCOUNT), output_field=BooleanField())


def links_of(signal_ids: Iterable[int], bits: Mapping[str, int]) -> list[Link]:
    """What these signals hold; `bits` are the thresholds in force (thresholds.py)."""
    rows = SignalIndicator.objects.filter(signal__in=list(signal_ids)).annotate(clear=CLEAR, account=_ACCOUNT)
    fields = rows.values_list("signal", "indicator", "indicator__signal_type", "indicator__value", "clear", "account")
    return [
        Link(signal, indicator, kind, bytes(value), bits[kind], clear, account)
        for signal, indicator, kind, value, clear, account in fields
    ]


def neighbours_of(links: Iterable[Link], bits: Mapping[str, int]) -> dict[int, Sequence[Neighbour | VideoNeighbour]]:
    """Neighbours by indicator id; each indicator is its own first neighbour."""
    by_type: dict[str, dict[int, bytes]] = defaultdict(dict)
    for link in links:
        by_type[link.signal_type][link.indicator_id] = link.value
    index = near_index()
    found: dict[int, Sequence[Neighbour | VideoNeighbour]] = {}
    for signal_type, values in by_type.items():
        rules = signal_types.get(signal_type)
        if rules.parts:
            found.update(video_neighbours(values, bits[rules.parts], thresholds_in_use()))
            continue
        if rules.near is None:
            found.update({indicator_id: [Neighbour(indicator_id, 0)] for indicator_id in values})
            continue
        near = index.neighbours(signal_type, list(values.values()), bits[signal_type])
        found.update(zip(values, near, strict=True))
    return found
