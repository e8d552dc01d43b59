"""The index that needs no building: reads every hash of the type, for each call (floor 4).

Memory is bounded by one chunk of rows. Time grows with the table: about 0.1 s for 100,000 PDQ hashes and one query.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from django.db import connection

from sharing.matching.index.bands import Words
from sharing.matching.index.contract import Neighbour
from sharing.matching.index.engine import ENGINE

ROWS = 50_000

# Aggregated in the database: one value to fetch instead of a row for each hash.
_CHUNK = """
    SELECT array_agg(id ORDER BY id), string_agg(value, ''::bytea ORDER BY id)
      FROM (SELECT id, value FROM sharing_indicator
             WHERE signal_type = %s AND id > %s ORDER BY id LIMIT %s) AS chunk
"""


class LinearScan:
    def neighbours(self, signal_type: str, values: Sequence[bytes], threshold: int) -> list[list[Neighbour]]:
        found: list[list[Neighbour]] = [[] for _ in values]
        if not values:
            return found
        queries = _words(b"".join(values), len(values))
        for ids, stored in _chunks(signal_type, queries.shape[1]):
            hits = ENGINE.scan(stored, queries, threshold)
            for query, row, distance in zip(
                hits.queries.tolist(), hits.rows.tolist(), hits.distances.tolist(), strict=True
            ):
                found[query].append(Neighbour(ids[row], distance))
        return found


def _words(data: bytes, rows: int) -> Words:
    return np.frombuffer(data, dtype=np.uint64).reshape(rows, -1)


def _chunks(signal_type: str, words: int) -> Iterator[tuple[list[int], Words]]:
    last = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_CHUNK, [signal_type, last, ROWS])
            ids, data = cursor.fetchone()
            if not ids:
                return
            yield ids, _words(bytes(data), len(ids))
            last = ids[-1]
