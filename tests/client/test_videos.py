"""Videos become frames that the hub takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from hub_client.errors import UnreadableFile
from hub_client.hashing import hash_file
from sharing.signal_types import get
from tests.client.drawing import drawn

av = pytest.importorskip("av", reason="PyAV is not installed")
FRAMES_A_SECOND = 5


def scenes(count: int) -> list[Image.Image]:
    return [drawn(seed, (160, 120)) for seed in range(count)]


def write_video(path: Path, pictures: list[Image.Image], codec: str = "mpeg4") -> None:
    """Each picture for a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FRAMES_A_SECOND)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 160, 120, "yuv420p", 2_000_000
        for picture in pictures:
            for _frame in range(FRAMES_A_SECOND):
                container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())


def test_a_video_has_a_frame_for_each_second(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", scenes(4))

    found = hash_file(tmp_path / "a.mp4")

    assert found.media == "video"
    assert [frame["timestamp"] for frame in found.vpdq] == [0.0, 1.0, 2.0, 3.0]
    kept = get("vpdq").frames(json.dumps(list(found.vpdq)))  # type: ignore[attr-defined]
    assert len(kept) == 4
    assert [indicator.type for indicator in found.indicators()] == ["vpdq", "md5", "sha256"]


def test_another_container_and_codec_has_nearly_the_same_frames(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", scenes(4))
    write_video(tmp_path / "a.mkv", scenes(4), codec="mpeg2video")

    one, other = hash_file(tmp_path / "a.mp4").vpdq, hash_file(tmp_path / "a.mkv").vpdq

    assert one != other
    for first, second in zip(one, other, strict=True):
        assert (int(first["hash"], 16) ^ int(second["hash"], 16)).bit_count() <= 31


def test_a_video_of_one_colour_has_its_digests_and_says_why(tmp_path: Path) -> None:
    write_video(tmp_path / "flat.mp4", [Image.new("RGB", (160, 120), "navy")] * 2)

    found = hash_file(tmp_path / "flat.mp4")

    assert found.vpdq == ()
    assert "no frame" in found.note


def test_a_damaged_video_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"\x00\x00\x00\x18ftypmp42" + b"no video" * 100)

    with pytest.raises(UnreadableFile, match=r"broken\.mp4"):
        hash_file(path)


def test_a_list_of_files_that_calls_itself_a_video_opens_none_of_them(tmp_path: Path) -> None:
    write_video(tmp_path / "secret.mp4", scenes(1))
    path = tmp_path / "list.mp4"
    path.write_text("ffconcat version 1.0\nfile secret.mp4\n")

    with pytest.raises(UnreadableFile, match=r"list\.mp4"):
        hash_file(path)
