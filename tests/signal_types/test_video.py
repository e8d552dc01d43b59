"""Videos as lists of frames: both forms, what is left out, and what is refused where."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from sharing.signal_types import InvalidValue, get
from sharing.signal_types.video import MAX_FRAMES, Vpdq, digest_of
from tests.videos import flipped, picture, video

VPDQ = Vpdq()


def hashes(value: Any) -> list[str]:
    return [frame.hash.hex() for frame in VPDQ.frames(value)]


def refused(value: Any) -> InvalidValue:
    with pytest.raises(InvalidValue) as caught:
        VPDQ.frames(value)
    return caught.value


def test_the_forms_are_one_video() -> None:
    frames = video(random.Random(1), 5)
    texts = [f"{frame['hash'].upper()},{frame['quality']},{frame['timestamp']:.3}" for frame in frames]
    expected = [frame["hash"] for frame in frames]
    for form in (frames, json.dumps(frames, indent=2), texts, json.dumps(texts), [*frames[:2], *texts[2:]]):
        assert hashes(form) == expected
    assert VPDQ.parse(json.dumps(texts)) == VPDQ.parse(json.dumps(frames)) == digest_of(VPDQ.frames(frames))
    assert [frame.second for frame in VPDQ.frames(frames)] == [0, 1, 2, 3, 4]


def test_times_in_scientific_notation_are_read_as_threatexchange_writes_them() -> None:
    texts = [f"{picture(random.Random(second))},100,{float(second):.3}" for second in (900, 1_000, 12_345)]
    assert "1.23e+04" in texts[2]
    assert [frame.second for frame in VPDQ.frames(texts)] == [900, 1_000, 12_300]


def test_order_and_times_do_not_make_another_video() -> None:
    dice = random.Random(2)
    frames = video(dice, 30)
    late = [{**frame, "timestamp": frame["timestamp"] * 1.04 + 7} for frame in frames]
    dice.shuffle(late)
    assert VPDQ.parse(json.dumps(late)) == VPDQ.parse(json.dumps(frames))


def test_low_quality_and_flat_frames_are_left_out() -> None:
    dice = random.Random(3)
    good = video(dice, 3)
    poor = {**good[0], "hash": picture(dice), "quality": 49}
    flat = [{**good[0], "hash": f"{colour:064x}"} for colour in (0, 2**256 - 1, 2**31 - 1, 2**256 - 2**31)]
    assert hashes([poor, *flat, *good]) == [frame["hash"] for frame in good]
    edges = [{**good[0], "hash": f"{2**32 - 1:064x}"}, {**good[0], "hash": f"{2**224 - 1:064x}", "quality": 50}]
    assert len(hashes(edges)) == 2
    assert refused([poor, *flat]).code == "no_usable_frame"
    assert refused([]).code == "no_usable_frame"


def test_frames_that_repeat_a_scene_are_left_out() -> None:
    dice = random.Random(4)
    first, second = picture(dice), picture(dice)
    still = [flipped(dice, first, bits) for bits in (0, 3, 15)]
    moved = flipped(dice, first, 16)
    shown = [first, *still, moved, second, first]
    frames = [{"hash": text, "quality": 90, "timestamp": at} for at, text in enumerate(shown)]
    assert hashes(frames) == [first, moved, second]


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        ({"hash": "abc"}, "bad_hash", "/1/hash"),
        ({"hash": 7}, "bad_hash", "/1/hash"),
        ({"quality": 101}, "bad_quality", "/1/quality"),
        ({"quality": True}, "bad_quality", "/1/quality"),
        ({"quality": 50.5}, "bad_quality", "/1/quality"),
        ({"timestamp": -1}, "bad_timestamp", "/1/timestamp"),
        ({"timestamp": "1"}, "bad_timestamp", "/1/timestamp"),
        ({"timestamp": float("nan")}, "bad_timestamp", "/1/timestamp"),
        ({"timestamp": 10**400}, "bad_timestamp", "/1/timestamp"),
        ({"frame": 1}, "not_a_frame", "/1"),
    ],
)
def test_a_bad_frame_is_named_by_its_path(wrong: dict[str, Any], code: str, path: str) -> None:
    frames = video(random.Random(5), 2)
    error = refused([frames[0], {**frames[1], **wrong}])
    assert (error.code, error.path, error.more) == (code, path, ())
    assert error.message.endswith(".")
    assert error.mend.endswith(".")


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        ("{hash},100", "not_a_frame", "/0"),
        ("{hash},100,1.0,9", "not_a_frame", "/0"),
        ("{hash},1_0,1.0", "bad_quality", "/0/quality"),
        ("{hash},100,infinity", "bad_timestamp", "/0/timestamp"),
        ("{hash}0,100,1", "bad_hash", "/0/hash"),
    ],
)
def test_a_bad_text_form_is_named_too(text: str, code: str, path: str) -> None:
    error = refused([text.format(hash=picture(random.Random(6)))])
    assert (error.code, error.path) == (code, path)


@pytest.mark.parametrize("value", ["[", "{}", '"a"', "7", "f" * 64, "[" * 50_000, "[" + "9" * 5_000 + "]"])
def test_what_is_no_list_of_frames_is_refused(value: str) -> None:
    assert refused(value).code in ("not_frames", "not_a_frame")


def test_several_bad_frames_are_named_at_once_and_their_number_is_bounded() -> None:
    error = refused([None] * 30)
    assert [found.path for found in (error, *error.more)] == [f"/{number}" for number in range(10)]
    assert refused([None] * (MAX_FRAMES + 1)).code == "too_many_frames"


def test_a_name_twice_in_a_frame_of_the_text_form_is_no_frame() -> None:
    frame = {"hash": picture(random.Random(7)), "quality": 90, "timestamp": 0}
    text = json.dumps([frame, frame]).replace('"timestamp": 0}]', '"timestamp": 0, "quality": 10}]')
    error = refused(text)
    assert (error.code, error.path) == ("not_a_frame", "/1")


def test_the_frames_of_the_longest_video_fit_in_the_text_form() -> None:
    frames = video(random.Random(7), MAX_FRAMES)
    assert len(hashes(json.dumps(frames, indent=4))) == MAX_FRAMES


def test_a_frame_is_compared_as_a_picture_is() -> None:
    assert get(VPDQ.parts).near == get("pdq").near
