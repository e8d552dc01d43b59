"""Videos that share enough frames, exactly and set by set (floor 4).

A video that shares k of n frames with this one shares at least one of any n - k + 1 of them. So the rarest n - k + 1
frames find every video that can reach the lowest threshold in use, and a frame that very many videos show, such as a
platform's end card, is asked for only when a video has hardly any other. (The prefix filter of Chaudhuri, Ganti and
Kaushik, "A Primitive Operator for Similarity Joins in Data Cleaning", ICDE 2006.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from django.db import connection
from django.db.models import Count
from numpy.typing import NDArray

from sharing.matching.index import near_index
from sharing.matching.shares import Enough, Shares
from sharing.matching.thresholds import SHARE_SCALE
from sharing.signal_types.video import VpdqFrame
from sharing.signals.frames import VideoFrame

# A frame that more videos show nominates only the newest of them. A video is found through its rarest frames, so this
# counts only where a video has few others: a clip that goes round in a thousand versions.
MAX_HOLDERS: Final = 1_000
# Memory is bounded by the frames worked on at once, by those asked of the index at once, and by candidates at once.
FRAMES_AT_ONCE: Final = 20_000
QUERIES_AT_ONCE: Final = 1_000
CANDIDATES_AT_ONCE: Final = 500

Ids = NDArray[np.int64]

# Counted no further than needed to know that there are too many.
_HOLDERS = """
    SELECT frame.id, (SELECT count(*) FROM (
               SELECT FROM sharing_videoframe AS held WHERE held.frame_id = frame.id LIMIT %s) AS counted)
      FROM unnest(%s::bigint[]) AS frame(id)
"""
_NEWEST_HOLDERS = """
    SELECT frame.id, ARRAY(
               SELECT video_id FROM sharing_videoframe AS held WHERE held.frame_id = frame.id
                ORDER BY video_id DESC LIMIT %s)
      FROM unnest(%s::bigint[]) AS frame(id)
"""
_SHARED = """
    SELECT video_id, count(*), array_agg(frame_id) FILTER (WHERE frame_id = ANY(%s::bigint[]))
      FROM sharing_videoframe WHERE video_id = ANY(%s::bigint[]) GROUP BY video_id
"""


@dataclass(frozen=True, slots=True)
class VideoNeighbour:
    """A stored video that shares enough frames with another for somebody."""

    indicator_id: int
    # Percent of frames without a near frame, of the video with more of them; 0 only for the same video.
    distance: int
    shares: Shares


def video_neighbours(
    video_ids: Iterable[int], threshold: int, in_use: Sequence[Enough]
) -> dict[int, list[VideoNeighbour]]:
    """For each of these videos (indicators), every stored video that reaches one of the thresholds in use.

    `threshold` is that of frames, in bits. A video is its own neighbour.
    """
    video_ids = list(video_ids)
    found: dict[int, list[VideoNeighbour]] = {pk: [] for pk in video_ids}
    for some in _rounds(video_ids):
        found |= _neighbours(some, threshold, in_use)
    return found


def _rounds(video_ids: Sequence[int]) -> Iterator[list[int]]:
    counted = VideoFrame.objects.filter(video__in=video_ids).order_by("video").values_list("video")
    some: list[int] = []
    frames = 0
    for video_id, count in counted.annotate(count=Count("pk")):
        if some and frames + count > FRAMES_AT_ONCE:
            yield some
            some, frames = [], 0
        some.append(video_id)
        frames += count
    if some:
        yield some


def _neighbours(video_ids: Sequence[int], threshold: int, in_use: Sequence[Enough]) -> dict[int, list[VideoNeighbour]]:
    videos, values = _frames_of(video_ids)
    pairs = _Pairs.within(values, threshold)
    holders = _counted(pairs.stored)
    lowest = min(enough.query for enough in in_use)
    asked = {pk: pairs.of(_rarest(frames, pairs, holders, lowest)) for pk, frames in videos.items()}
    nominated = _newest_holders(np.unique(np.concatenate([found.stored for found in asked.values()])))
    wanted: dict[int, set[int]] = defaultdict(set)
    for pk, found in asked.items():
        for candidate in {pk}.union(*(nominated[frame] for frame in np.unique(found.stored).tolist())):
            wanted[candidate].add(pk)
    own = {pk: pairs.of(frames).by_stored() for pk, frames in videos.items()}
    neighbours: dict[int, list[VideoNeighbour]] = {pk: [] for pk in videos}
    for candidate, frames_in_all, shared in _shared(list(wanted), np.unique(pairs.stored)):
        for pk in wanted[candidate]:
            shares = _shares(videos[pk], own[pk], frames_in_all, shared)
            if any(shares.reach(enough) for enough in in_use):
                neighbours[pk].append(VideoNeighbour(candidate, _distance(shares, pk == candidate), shares))
    return neighbours


def _frames_of(video_ids: Sequence[int]) -> tuple[dict[int, Ids], dict[int, bytes]]:
    """Ids of each video's frames, ascending; and the hash of each frame."""
    rows = VideoFrame.objects.filter(video__in=video_ids).order_by("video", "frame")
    frames: dict[int, list[int]] = defaultdict(list)
    values: dict[int, bytes] = {}
    for video_id, frame_id, value in rows.values_list("video", "frame", "frame__value"):
        frames[video_id].append(frame_id)
        values[frame_id] = bytes(value)
    return {video_id: np.array(ids, np.int64) for video_id, ids in frames.items()}, values


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs of near frames: one of the videos asked about, and a stored one. Either may stand in several pairs."""

    asked: Ids
    stored: Ids

    @classmethod
    def within(cls, values: Mapping[int, bytes], threshold: int) -> _Pairs:
        """Each frame with its near frames, by the asked frame ascending."""
        index, ids = near_index(), sorted(values)
        asked, stored = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for start in range(0, len(ids), QUERIES_AT_ONCE):
            some = ids[start : start + QUERIES_AT_ONCE]
            near = index.neighbours(VpdqFrame.name, [values[pk] for pk in some], threshold)
            asked.append(np.repeat(np.array(some, np.int64), [len(found) for found in near]))
            stored.append(np.array([neighbour.indicator_id for found in near for neighbour in found], np.int64))
        return cls(np.concatenate(asked), np.concatenate(stored))

    def of(self, frames: Ids) -> _Pairs:
        """Only the pairs of these asked frames (ascending)."""
        rows, _counts = _rows(self.asked, frames)
        return _Pairs(self.asked[rows], self.stored[rows])

    def by_stored(self) -> _Pairs:
        order = np.argsort(self.stored, kind="stable")
        return _Pairs(self.asked[order], self.stored[order])


def _rows(keys: Ids, wanted: Ids) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places of the wanted among ascending keys, and how many there are of each."""
    begins = np.searchsorted(keys, wanted, side="left")
    counts = np.searchsorted(keys, wanted, side="right") - begins
    ends = np.cumsum(counts)
    return np.repeat(begins - ends + counts, counts) + np.arange(counts.sum()), counts


def _counted(frames: Ids) -> tuple[Ids, Ids]:
    """These frames, each once and ascending, and how many videos show each (no more than MAX_HOLDERS are counted)."""
    distinct = np.unique(frames)
    counts = dict(_each(_HOLDERS, distinct))
    return distinct, np.array([counts[pk] for pk in distinct.tolist()], np.int64)


def _newest_holders(frames: Ids) -> dict[int, list[int]]:
    return dict(_each(_NEWEST_HOLDERS, frames))


def _each(statement: str, frames: Ids) -> Iterator[tuple[int, list[int]]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [MAX_HOLDERS, frames.tolist()])
        yield from cursor.fetchall()


def _rarest(frames: Ids, pairs: _Pairs, holders: tuple[Ids, Ids], lowest: int) -> Ids:
    """The rarest frames, ascending by id: so many that no video can reach the lowest threshold without one of them."""
    near = pairs.of(frames)
    distinct, counts = holders
    weights = np.bincount(
        np.searchsorted(frames, near.asked), counts[np.searchsorted(distinct, near.stored)], minlength=len(frames)
    )
    needed = -(-lowest * len(frames) // 100)
    chosen = np.argsort(weights, kind="stable")[: len(frames) - needed + 1]
    return np.sort(frames[chosen])


def _shared(candidates: Sequence[int], frames: Ids) -> Iterator[tuple[int, int, Ids]]:
    """Of each candidate: itself, how many frames it has in all, and those of them that are among `frames`."""
    wanted = frames.tolist()
    for start in range(0, len(candidates), CANDIDATES_AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(_SHARED, [wanted, list(candidates[start : start + CANDIDATES_AT_ONCE])])
            rows = cursor.fetchall()
        for video_id, frames_in_all, shared in rows:
            yield video_id, frames_in_all, np.array(shared or [], np.int64)


def _shares(frames: Ids, near: _Pairs, related_frames: int, shared: Ids) -> Shares:
    """`near` are the pairs of the video's own frames by stored frame; `shared` the frames of the related video that
    are near anything that was asked about."""
    rows, counts = _rows(near.stored, shared)
    return Shares(
        frames=len(frames),
        matched=len(np.unique(near.asked[rows])),
        related_frames=related_frames,
        related_matched=int(np.count_nonzero(counts)),
    )


def _distance(shares: Shares, is_same: bool) -> int:
    if is_same:
        return 0
    return min(max(100 - min(shares.percent, shares.related_percent), 1), SHARE_SCALE)
