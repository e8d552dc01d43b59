"""Near neighbours of a hash, exactly (floor 4).

Multi-index hashing over an immutable snapshot that all processes of a host share, and every row committed since, read
from the database by each query. `contract.NearIndex` is all that callers know of it.

    bands, tables, search_numpy, search_numba, engine     the search: arrays in, arrays out
    snapshot                                               the file
    stored, building                                       from PostgreSQL to the file
    current                                                the index of a process
    linear                                                 the plain scan: the measure of all the others
"""

from django.conf import settings

from sharing.matching.index.contract import NearIndex, Neighbour, Reach
from sharing.matching.index.current import SnapshotIndex
from sharing.matching.index.engine import ENGINE

__all__ = ["ENGINE", "NearIndex", "Neighbour", "Reach", "near_index"]


def near_index() -> NearIndex:
    """The index of this process."""
    return SnapshotIndex.of(settings.INDEX_FOLDER)
