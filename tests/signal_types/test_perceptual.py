"""Perceptual hashes: the encodings of imagehash and of the PDQ reference, and what is near what."""

from __future__ import annotations

import csv
from itertools import combinations
from pathlib import Path

import imagehash
import pytest
from PIL import Image, ImageDraw, ImageFilter

from sharing.signal_types import InvalidValue, distance, get

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "pdq"
needs_reference = pytest.mark.skipif(
    not (REFERENCE / "expected.csv").is_file(), reason="the PDQ reference pictures are not on this machine"
)


def drawn_picture() -> Image.Image:
    picture = Image.new("RGB", (320, 240), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((20, 30, 150, 200), fill="navy")
    pen.ellipse((140, 60, 300, 220), fill="orange")
    pen.line((0, 239, 319, 0), fill="black", width=9)
    return picture


def reference_hashes(folder: str) -> dict[str, bytes]:
    with (REFERENCE / "expected.csv").open(newline="") as file:
        return {
            row["file"]: get("pdq").parse(row["pdq_cpp_reference"] or row["pdq_python_reference"])
            for row in csv.DictReader(file)
            if row["file"].startswith(folder)
        }


@pytest.mark.parametrize(("name", "make"), [("phash", imagehash.phash), ("dhash", imagehash.dhash)])
def test_imagehash_writes_what_the_hub_reads_and_shows(name: str, make: type) -> None:
    signal_type = get(name)
    picture = drawn_picture()
    sharp, soft = make(picture), make(picture.filter(ImageFilter.GaussianBlur(2)).resize((200, 150)))
    upside_down = make(picture.rotate(180))
    stored = signal_type.parse(str(sharp))
    assert signal_type.format(stored) == str(sharp)
    for other in (soft, upside_down):
        assert distance(stored, signal_type.parse(str(other))) == sharp - other
    assert signal_type.near is not None
    assert sharp - soft <= signal_type.near.max_threshold < sharp - upside_down


@pytest.mark.parametrize(("name", "bits", "threshold"), [("pdq", 256, 31), ("phash", 64, 8), ("dhash", 64, 8)])
def test_thresholds(name: str, bits: int, threshold: int) -> None:
    near = get(name).near
    assert near is not None
    assert (near.bits, near.default_threshold, near.max_threshold) == (bits, threshold, threshold)


@pytest.mark.parametrize("name", ["pdq", "phash", "dhash"])
def test_a_hash_of_another_size_is_refused_with_the_right_size(name: str) -> None:
    signal_type = get(name)
    for change in (signal_type.example[:-1], signal_type.example + "0"):
        with pytest.raises(InvalidValue) as caught:
            signal_type.parse(change)
        assert caught.value.code == "wrong_length"
        assert f"the {2 * signal_type.size} hexadecimal digits" in caught.value.mend


@pytest.mark.parametrize("name", ["pdq", "phash", "dhash"])
def test_digits_of_other_scripts_are_not_hexadecimal(name: str) -> None:
    signal_type = get(name)
    with pytest.raises(InvalidValue) as caught:
        signal_type.parse("\u0661" * (2 * signal_type.size))
    assert caught.value.code == "not_hex"


@needs_reference
def test_all_edits_of_one_photo_are_near_each_other_and_no_other_picture_is() -> None:
    edits, others = reference_hashes("bridge-mods/"), reference_hashes("labelme-subset/")
    assert (len(edits), len(others)) == (12, 7)
    near = get("pdq").near
    assert near is not None
    assert max(distance(a, b) for a, b in combinations(edits.values(), 2)) <= near.max_threshold
    assert min(distance(a, b) for a in edits.values() for b in others.values()) > near.max_threshold
    assert min(distance(a, b) for a, b in combinations(others.values(), 2)) > near.max_threshold


@needs_reference
@pytest.mark.parametrize("make", [imagehash.phash, imagehash.dhash])
def test_imagehash_of_the_reference_photos_tells_them_apart(make: type) -> None:
    signal_type = get(make.__name__)
    original = signal_type.parse(str(make(Image.open(REFERENCE / "bridge-mods" / "aaa-orig.jpg"))))
    for path in sorted((REFERENCE / "labelme-subset").glob("*.jpg")):
        assert distance(original, signal_type.parse(str(make(Image.open(path))))) > 8
