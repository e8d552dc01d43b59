"""Videos: vPDQ, the PDQ hashes of a video's frames. Ground floor.

Source: vPDQ's description, https://github.com/facebook/ThreatExchange/blob/main/vpdq/README.md.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .contract import InvalidValue, SignalType, distance
from .contract import gettext_noop as _
from .perceptual import Pdq
from .unicode_rules import tidy

MAX_FRAMES: Final = 10_000
# Room for MAX_FRAMES of the longer form, with line breaks and indents.
LONGEST_VIDEO: Final = 2_000_000
# Below this PDQ quality (0 to 100) a frame has too little in it for nearness to mean anything.
MIN_FRAME_QUALITY: Final = 50
# A PDQ hash has about half of its 256 bits set. One that matches all zeros or all ones is a flat colour.
FEWEST_BITS: Final = 32
MOST_BITS: Final = 256 - FEWEST_BITS
# A frame this close to the one kept before it shows the same scene. Half of the threshold: a copy that keeps another
# frame of the scene lies within 15 bits of this one, which leaves 16 for what the copying changed.
SAME_SCENE: Final = 15
LATEST_SECOND: Final = 1_000_000
# Bad frames are mostly bad in one way: the first few say it.
MOST_PROBLEMS: Final = 10

_HASH = re.compile(r"[0-9A-Fa-f]{64}")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{0,20})?(?:[eE][+-]?[0-9]{1,3})?")
_FIELDS: Final = ("hash", "quality", "timestamp")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its PDQ hash, 32 bytes, and the second of the video at which it is shown."""

    hash: bytes
    second: float


@dataclass(frozen=True, slots=True)
class _SentFrame(Frame):
    quality: int


class VpdqFrame(Pdq):
    """One frame of a video. Kept apart from `pdq`, so that a picture does not match every video that shows it."""

    name = "vpdq_frame"
    title = _("Frame of a video (vPDQ)")
    description = _("PDQ hash of one frame of a video. Sent as part of a video only.")


class Vpdq(SignalType):
    """vPDQ: PDQ hashes of a video's frames, compared by the share of frames that the other video has too.

    The stored value is a digest of the usable frames, for identity; the frames are stored as `vpdq_frame`.
    """

    name = "vpdq"
    title = _("vPDQ video hash")
    description = _(
        "PDQ hashes of a video's frames, about one a second, each with its quality and time. Two videos match when "
        "enough frames of each have a near frame in the other."
    )
    example = (
        '["f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22,100,0.0",'
        ' "b0a10efd71cc3f429013d48d0ffffc52e34e0e17ada952a9d29685211ea9e5af,97,1.0"]'
    )
    size = 32
    parts = VpdqFrame.name

    def parse(self, value: str, *, platform: str = "") -> bytes:
        return digest_of(self.frames(value))

    def frames(self, value: str | list[Any]) -> tuple[Frame, ...]:
        """The usable frames of a video, in the order of time; never none.

        `value` is a list, or a list written in JSON, of objects with hash, quality and timestamp, or of texts
        "hash,quality,timestamp" as python-threatexchange writes them. Raises InvalidValue, whose path leads to the
        frame.
        """
        sent = _loaded(tidy(value, longest=LONGEST_VIDEO, lines=True)) if isinstance(value, str) else value
        if not isinstance(sent, list):
            raise InvalidValue("not_frames", _("The value is not a JSON list of frames."), _MEND)
        if len(sent) > MAX_FRAMES:
            raise InvalidValue(
                "too_many_frames",
                _("A video holds at most 10,000 frames."),
                _("Hash fewer frames a second. One a second is enough."),
            )
        read = [_frame(entry, f"/{position}") for position, entry in enumerate(sent)]
        problems = [item for item in read if isinstance(item, InvalidValue)]
        if problems:
            problems[0].more = tuple(problems[1:MOST_PROBLEMS])
            raise problems[0]
        kept = _kept(item for item in read if isinstance(item, _SentFrame))
        if not kept:
            raise InvalidValue(
                "no_usable_frame",
                _("The video has no frame that can be compared."),
                _("Send frames with a quality of at least 50 that are not one flat colour."),
            )
        return kept


def digest_of(frames: Iterable[Frame]) -> bytes:
    """SHA-256 of the frames' hashes in ascending order: videos with the same usable frames are the same video."""
    return hashlib.sha256(b"".join(sorted(frame.hash for frame in frames))).digest()


_MEND: Final = _(
    'Send a list of frames, each {"hash": 64 hexadecimal digits, "quality": 0 to 100, "timestamp": seconds}.'
)


def _loaded(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object] | None:
    """None where a name comes twice: nobody can tell which value was meant."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else None


def _frame(entry: object, path: str) -> _SentFrame | InvalidValue:
    if isinstance(entry, str):
        entry = _from_text(entry)
    if not isinstance(entry, Mapping) or set(entry) != set(_FIELDS):
        message = _("This is not a frame with hash, quality and timestamp, and nothing else.")
        return InvalidValue("not_a_frame", message, _MEND, path)
    pdq, quality, second = (entry[name] for name in _FIELDS)
    if not isinstance(pdq, str) or not _HASH.fullmatch(pdq):
        message = _("The frame's hash is not a PDQ hash.")
        return InvalidValue("bad_hash", message, _("Send its 64 hexadecimal digits."), f"{path}/hash")
    if type(quality) is not int or not 0 <= quality <= 100:  # noqa: PLR2004 - percent; and true is no number here
        message = _("The frame's quality is not a whole number from 0 to 100.")
        return InvalidValue("bad_quality", message, _("Send the quality that PDQ reports."), f"{path}/quality")
    if type(second) not in (int, float) or not 0 <= second <= LATEST_SECOND:
        message = _("The frame's timestamp is not a number of seconds from 0 to 1,000,000.")
        return InvalidValue("bad_timestamp", message, _("Count from the start of the video."), f"{path}/timestamp")
    return _SentFrame(bytes.fromhex(pdq), float(second), quality)


def _from_text(text: str) -> dict[str, object] | None:
    """The parts of "hash,quality,timestamp"; None where there are not three of them."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != len(_FIELDS):
        return None
    pdq, quality, second = parts
    return {
        "hash": pdq,
        "quality": int(quality) if _WHOLE_NUMBER.fullmatch(quality) else None,
        "timestamp": float(second) if _NUMBER.fullmatch(second) else math.nan,
    }


def _kept(sent: Iterable[_SentFrame]) -> tuple[Frame, ...]:
    """Without frames that say nothing (low quality, one flat colour) and without those that repeat a scene."""
    usable = [frame for frame in sent if frame.quality >= MIN_FRAME_QUALITY and not _is_flat(frame.hash)]
    # Times may be rounded: frames with one time stay in the order in which they were sent.
    usable.sort(key=lambda frame: frame.second)
    kept: list[Frame] = []
    seen: set[bytes] = set()
    for frame in usable:
        if frame.hash in seen or _repeats(frame, kept):
            continue
        seen.add(frame.hash)
        kept.append(Frame(frame.hash, frame.second))
    return tuple(kept)


def _repeats(frame: Frame, kept: Sequence[Frame]) -> bool:
    return bool(kept) and distance(frame.hash, kept[-1].hash) <= SAME_SCENE


def _is_flat(pdq: bytes) -> bool:
    return not FEWEST_BITS <= int.from_bytes(pdq, "big").bit_count() <= MOST_BITS
