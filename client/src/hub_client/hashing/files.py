"""All hashes of one file."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import stat
from pathlib import Path
from typing import Any, Final

import imagehash
import msgspec

from hub_client.errors import UnreadableFile
from hub_client.signal_types import InvalidValue, get
from hub_client.signal_types.video import MIN_FRAME_QUALITY
from hub_client.signals import Indicator

from . import videos
from .pdq import LEAST_PIXELS, pdq
from .pictures import MOST_PIXELS, read_picture

_CHUNK: Final = 1 << 20
# Systems differ in what they know of these names.
_VIDEOS: Final = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".flv", ".wmv", ".asf", ".mpg", ".mpeg", ".mts", ".m2ts", ".3gp",
    ".3g2", ".ogv",
)  # fmt: skip
NO_VIDEO_PART: Final = "Only the file was hashed: frames need PyAV (pip install 'hub-client[video]')."
NO_SUCH_PICTURES: Final = "Only the file was hashed: pictures of this kind are not read."
TINY: Final = "Only the file was hashed: the picture is tiny."
NO_USABLE_FRAME: Final = "Only the file was hashed: the video has no frame that can be compared."


class FileHashes(msgspec.Struct, frozen=True, omit_defaults=True):
    """The hashes of one file, in lower-case hexadecimal digits; empty where there is none of its kind."""

    file: str
    media: str  # picture, video or file
    size: int  # bytes
    md5: str
    sha256: str
    pdq: str = ""
    pdq_quality: int | None = None
    phash: str = ""
    dhash: str = ""
    vpdq: tuple[dict[str, Any], ...] = ()
    note: str = ""

    def indicators(self) -> tuple[Indicator, ...]:
        """What to submit of it. Of a picture in which there is little to see, pHash and dHash are left out: they have
        no quality by which the hub could tell, and would match everything that is as flat."""
        telling = self.pdq_quality is not None and self.pdq_quality >= MIN_FRAME_QUALITY
        found = [
            Indicator("pdq", self.pdq, quality=self.pdq_quality),
            *(Indicator(name, getattr(self, name)) for name in ("phash", "dhash") if telling),
            Indicator("vpdq", list(self.vpdq)),
            Indicator("md5", self.md5),
            Indicator("sha256", self.sha256),
        ]
        return tuple(indicator for indicator in found if indicator.value)


def hash_file(path: str | os.PathLike[str], *, most_pixels: int = MOST_PIXELS) -> FileHashes:
    """Hash a file: MD5 and SHA-256 always, PDQ, pHash and dHash of a picture, PDQ of the frames of a video.

    Raises UnreadableFile, which names the file.
    """
    path = os.fspath(path)
    size, md5, sha256 = _digests(path)
    found = FileHashes(path, "file", size, md5, sha256)
    picture = read_picture(path, most_pixels)
    if picture is None:
        kind = _kind_by_name(path)
        if kind == "image":  # HEIC and SVG, for example
            return msgspec.structs.replace(found, note=NO_SUCH_PICTURES)
        return _with_frames(found) if kind == "video" else found
    if min(picture.size) < LEAST_PIXELS:
        return msgspec.structs.replace(found, media="picture", note=TINY)
    value, quality = pdq(picture)
    return msgspec.structs.replace(
        found,
        media="picture",
        pdq=value.hex(),
        pdq_quality=quality,
        phash=str(imagehash.phash(picture)),
        dhash=str(imagehash.dhash(picture)),
    )


def _with_frames(found: FileHashes) -> FileHashes:
    if not videos.can_read_videos():
        return msgspec.structs.replace(found, media="video", note=NO_VIDEO_PART)
    frames = videos.frames_of(found.file)
    try:
        get("vpdq").parse(msgspec.json.encode(frames).decode())
    except InvalidValue:
        return msgspec.structs.replace(found, media="video", note=NO_USABLE_FRAME)
    return msgspec.structs.replace(found, media="video", vpdq=tuple(frames))


def _digests(path: str) -> tuple[int, str, str]:
    """Size, MD5 and SHA-256, read in pieces."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    try:
        kind = Path(path).stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):  # to open a pipe would wait for ever
            raise UnreadableFile(path, "This is no file.", "Name a file or a folder.")
        with Path(path).open("rb") as file:
            while piece := file.read(_CHUNK):
                md5.update(piece)
                sha256.update(piece)
                size += len(piece)
    except FileNotFoundError:
        raise UnreadableFile(path, "There is no such file.", "Check the name.") from None
    except IsADirectoryError:
        raise UnreadableFile(path, "This is a folder.", "Name the files in it.") from None
    except OSError as error:
        raise UnreadableFile(path, f"The file can't be read: {error.strerror}.", "Check disk and rights.") from None
    if not size:
        raise UnreadableFile(path, "The file is empty.", "Check that it was saved whole.")
    return size, md5.hexdigest(), sha256.hexdigest()


def _kind_by_name(path: str) -> str:
    """What the name says that it is: image, video, text ..."""
    if Path(path).suffix.lower() in _VIDEOS:
        return "video"
    kind, _encoding = mimetypes.guess_type(path)
    return (kind or "").partition("/")[0]
