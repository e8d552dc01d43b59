"""Videos: one frame a second, each with its PDQ hash (vPDQ). Needs PyAV: pip install 'hub-client[video]'."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any, Final

from hub_client.errors import UnreadableFile
from hub_client.signal_types.video import MAX_FRAMES

from .pdq import pdq
from .pictures import MOST_PIXELS

# Containers of videos. Playlists are not among them: they could name other files, and addresses to be fetched.
_CONTAINERS: Final = "mov,matroska,avi,flv,mpegts,mpeg,mpegvideo,asf,ogg,m4v,h264,hevc,ivf,gif"
_OPTIONS: Final = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}


def can_read_videos() -> bool:
    return importlib.util.find_spec("av") is not None


def frames_of(path: str | os.PathLike[str], seconds: float = 1.0) -> list[dict[str, Any]]:
    """The frames of a video, one each `seconds`, as the hub's type `vpdq` takes them: hash, quality, timestamp.

    A video of more than 10,000 of them is sampled less often. Frames are rotated as a player shows them. Raises
    UnreadableFile.
    """
    import av  # noqa: PLC0415 - an optional part

    try:
        # An open file and not its name: ffmpeg would take some names for addresses.
        with Path(path).open("rb") as file, av.open(file, mode="r", options=_OPTIONS) as container:
            if not container.streams.video:
                raise UnreadableFile(path, "There are no pictures in this video.", "Leave it out.")
            found = _sampled(path, container, seconds)
    except (av.error.FFmpegError, ValueError) as error:
        raise UnreadableFile(path, "The video is damaged, or of a kind that is not read.", _mend(error)) from None
    if not found:
        raise UnreadableFile(path, "No frame of this video could be read.", "Get the file again, whole.")
    return found


def _mend(error: Exception) -> str:
    return f"Get the file again, whole, or convert it to MP4 ({type(error).__name__})."


def _sampled(path: str | os.PathLike[str], container: Any, seconds: float) -> list[dict[str, Any]]:
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    found: list[dict[str, Any]] = []
    start: float | None = None
    due = 0.0
    for frame in container.decode(stream):
        if frame.time is None:
            continue
        start = frame.time if start is None else start
        second = max(frame.time - start, 0.0)
        if second < due:
            continue
        due = (second // seconds + 1) * seconds
        found.append(_hashed(path, frame, second))
        if len(found) > MAX_FRAMES:
            found, seconds = found[::2], seconds * 2
    return found


def _hashed(path: str | os.PathLike[str], frame: Any, second: float) -> dict[str, Any]:
    if frame.width * frame.height > MOST_PIXELS:
        raise UnreadableFile(path, "The video's frames have more pixels than are read.", "Make it smaller first.")
    picture = frame.to_image()
    if rotation := frame.rotation % 360:
        picture = picture.rotate(rotation, expand=True)
    value, quality = pdq(picture)
    return {"hash": value.hex(), "quality": quality, "timestamp": round(second, 3)}
