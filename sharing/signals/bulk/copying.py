"""New signals by COPY, a thousand in a handful of statements (floor 3). Callers hold the transaction.

What storage.py writes through the ORM is written here by sets inside the database: the rows are copied into tables that
live as long as the transaction, and go on from there. Signals that are there already, and the few things that hardly
any signal has, are left to storage.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection

from accounts.actor import Actor
from accounts.models import Organisation
from hub.errors import Problem
from hub.postgresql import copying
from sharing.signals import storage
from sharing.signals.models import Signal
from sharing.signals.preparation import PreparedIndicator, PreparedSignal
from sharing.signals.rows import PreparedRow, standing_in_the_way

# The joins below go by index, also where PostgreSQL has no statistics or thinks that a table is small.
_BY_INDEX: Final = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off;"
_BACK: Final = "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on; SET LOCAL enable_seqscan = on;"
_NO_TABLES: Final = "DROP TABLE bulk_signal, bulk_link"
_TABLES: Final = """
CREATE TEMPORARY TABLE bulk_signal (
    uuid uuid, external_id text, kind text, harm text, severity text, confidence smallint, tlp text, subject_role text,
    summary text, lawful_basis text, observed_at timestamptz, expires_at timestamptz) ON COMMIT DROP;
CREATE TEMPORARY TABLE bulk_link (
    signal_id bigint, signal_type text, value bytea, key_id text, quality smallint) ON COMMIT DROP;
"""
_SIGNAL_COLUMNS: Final = (
    "uuid, external_id, kind, harm, severity, confidence, tlp, subject_role, summary, lawful_basis, observed_at,"
    " expires_at"
)
# In the order of storage.insert_or_lock: who names the same external_ids waits, and can't dead-lock.
_INSERT_SIGNALS: Final = f"""
INSERT INTO sharing_signal (organisation_id, retraction_reason, {_SIGNAL_COLUMNS})
SELECT %s, '', {_SIGNAL_COLUMNS} FROM bulk_signal ORDER BY external_id COLLATE "C"
    ON CONFLICT (organisation_id, external_id) DO NOTHING
RETURNING id, uuid
"""  # noqa: S608 - constants
# In the order of storage.indicator_ids_of, for the same reason.
_INSERT_INDICATORS: Final = """
INSERT INTO sharing_indicator (signal_type, value, key_id)
SELECT DISTINCT ON (signal_type COLLATE "C", value) signal_type, value, key_id FROM bulk_link AS sent
 WHERE NOT EXISTS (SELECT FROM sharing_indicator AS known
                    WHERE known.signal_type = sent.signal_type AND known.value = sent.value)
 ORDER BY signal_type COLLATE "C", value
    ON CONFLICT (signal_type, value) DO NOTHING
"""
_INSERT_LINKS: Final = """
INSERT INTO sharing_signalindicator (signal_id, indicator_id, quality)
SELECT sent.signal_id, known.id, sent.quality
  FROM bulk_link AS sent
  JOIN sharing_indicator AS known ON known.signal_type = sent.signal_type AND known.value = sent.value
 WHERE sent.signal_id IS NOT NULL
"""


class Stored:
    """What became of good rows, by their places: the signal's id, which of them were there before, what was refused."""

    def __init__(self) -> None:
        self.signals: dict[int, int] = {}
        self.updated: list[int] = []
        self.refused: dict[int, Problem] = {}


def store_rows(actor: Actor, organisation: Organisation, rows: Sequence[PreparedRow]) -> Stored:
    """Store the good ones of prepared rows, new or not.

    Locks are taken in the order of storage.py: signals that are new, signals that were there, indicators, frames.
    """
    good = {place: row for place, row in enumerate(rows) if isinstance(row, PreparedSignal)}
    stored = Stored()
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        stored.signals = _insert_signals(cursor, organisation, good)
        made = [(stored.signals[place], row) for place, row in good.items() if place in stored.signals]
        over = _lock(organisation, {place: row for place, row in good.items() if place not in stored.signals}, stored)
        _link(cursor, made, [row for _signal, row in over])
        cursor.execute(_NO_TABLES)
    _insert_frames([*(row for _pk, row in made), *(row for _signal, row in over)])
    _rest(actor, [(Signal(pk=pk, organisation=organisation), row) for pk, row in made if _has_more(row)])
    if over:
        signals, known = [signal for signal, _row in over], [row for _signal, row in over]
        storage.overwrite_signals(signals, known)
        storage.replace_links(actor, signals, known)
    return stored


def _insert_signals(cursor: Any, organisation: Organisation, good: dict[int, PreparedSignal]) -> dict[int, int]:
    """By place the ids of those that are new."""
    places: dict[UUID, int] = {}
    with copying(cursor, f"COPY bulk_signal ({_SIGNAL_COLUMNS}) FROM STDIN") as copy:
        for place, row in good.items():
            uuid, source = uuid4(), row.source
            places[uuid] = place
            copy.write_row(
                (
                    uuid, source.external_id, source.kind, source.harm, source.severity, source.confidence,
                    str(source.tlp), source.subject_role, source.summary, source.lawful_basis, source.observed_at,
                    row.expires_at,
                )
            )  # fmt: skip
    cursor.execute(_INSERT_SIGNALS, [organisation.pk])
    return {places[uuid]: pk for pk, uuid in cursor.fetchall()}


def _link(cursor: Any, made: Sequence[tuple[int, PreparedSignal]], known: Iterable[PreparedSignal]) -> None:
    """The indicators of all; links of those that were made, and the groups that they are shared with."""
    with copying(cursor, "COPY bulk_link (signal_id, signal_type, value, key_id, quality) FROM STDIN") as copy:
        for pk, row in (*made, *((None, row) for row in known)):
            for item in row.indicators:
                copy.write_row((pk, item.signal_type, item.value, item.key_id, item.quality))
    cursor.execute(_BY_INDEX)
    cursor.execute(_INSERT_INDICATORS)
    cursor.execute(_INSERT_LINKS)
    cursor.execute(_BACK)
    with copying(cursor, "COPY sharing_share (signal_id, sharing_group_id) FROM STDIN") as copy:
        for pk, row in made:
            for group in row.groups:
                copy.write_row((pk, group.pk))


def _insert_frames(rows: Iterable[PreparedSignal]) -> None:
    videos: dict[tuple[str, bytes], PreparedIndicator] = {
        item.identity: item for row in rows for item in row.indicators if item.frames
    }
    if videos:
        ids = storage.indicator_ids_of(videos.values())
        storage.insert_frames({ids[identity]: item for identity, item in videos.items()})


def _has_more(row: PreparedSignal) -> bool:
    return bool(row.named) or row.source.account is not None


def _rest(actor: Actor, made: Sequence[tuple[Signal, PreparedSignal]]) -> None:
    if made:
        storage.name_organisations(actor, made)
        storage.insert_accounts(made)


def _lock(
    organisation: Organisation, known: dict[int, PreparedSignal], stored: Stored
) -> list[tuple[Signal, PreparedSignal]]:
    """The signals that have these rows' external_ids, but for those that can't be overwritten."""
    over: list[tuple[Signal, PreparedSignal]] = []
    held = storage.insert_or_lock(organisation, list(known.values()))
    for (place, row), (signal, created) in zip(known.items(), held, strict=True):
        problem = None if created else standing_in_the_way(signal, row)
        if problem is not None:
            stored.refused[place] = problem
            continue
        stored.signals[place] = signal.pk
        if not created:
            stored.updated.append(place)
        over.append((signal, row))
    return over
