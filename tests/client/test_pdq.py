"""PDQ in numpy gives what the reference gives."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hub_client.hashing import pdq
from hub_client.hashing.pdq import small_luminance


def apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def expected(reference: Path) -> dict[str, bytes]:
    with (reference / "pdq" / "expected.csv").open(newline="", encoding="utf-8") as table:
        return {
            row["file"]: bytes.fromhex(row["pdq_cpp_reference"] or row["pdq_python_reference"])
            for row in csv.DictReader(table)
        }


def test_every_reference_picture_is_within_12_bits_and_those_the_reference_reads_whole_are_exact(
    reference: Path,
) -> None:
    distances = {}
    for file, due in expected(reference).items():
        with Image.open(reference / "pdq" / file) as picture:
            found, quality = pdq(picture.convert("RGB"))
            # Larger ones the reference first makes 512 x 512 by leaving pixels out; a flat one has bits of noise only.
            if max(picture.size) <= 512 and quality >= 50:
                assert found == due, file
            distances[file] = apart(found, due)
    assert len(distances) == 19
    assert max(distances.values()) <= 12, distances


def test_it_is_bit_for_bit_the_librarys_where_that_is_installed(photo: Image.Image) -> None:
    library = pytest.importorskip("pdqhash", reason="pdqhash is not installed: it needs a C++ compiler")
    for size in ((320, 200), (64, 64), (63, 501), (5, 5), (128, 128), (1600, 1004)):
        picture = photo.resize(size)
        bits, quality = library.compute(np.asarray(picture))
        assert pdq(picture) == (np.packbits(bits).tobytes(), quality), size


def test_the_blur_is_the_references_done_step_by_step(photo: Image.Image) -> None:
    for size in ((320, 200), (130, 700), (50, 66)):
        luminance = np.asarray(photo.resize(size).convert("F"), np.float64)
        blurred = luminance
        for _pass in range(2):
            blurred = box(box(blurred.T, (blurred.shape[1] + 127) // 128).T, (blurred.shape[0] + 127) // 128)
        rows, columns = ([int((k + 0.5) * length / 64) for k in range(64)] for length in luminance.shape)
        assert np.abs(small_luminance(photo.resize(size)) - blurred[np.ix_(rows, columns)]).max() < 1e-3


def box(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the rows in a window around each, cut off at the ends."""
    ahead = (window + 2) // 2
    places = range(len(values))
    return np.stack([values[max(at + ahead - window, 0) : at + ahead].mean(axis=0) for at in places])


def test_a_picture_of_one_colour_has_no_quality() -> None:
    assert pdq(Image.new("RGB", (300, 200), "green"))[1] == 0


def test_a_small_change_moves_few_bits_and_another_picture_half(photo: Image.Image) -> None:
    found = pdq(photo)[0]
    assert apart(found, pdq(photo.resize((500, 313)))[0]) <= 16
    assert apart(found, pdq(photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT))[0]) > 80


def test_grey_and_colour_of_the_same_grey_are_the_same(photo: Image.Image) -> None:
    grey = photo.convert("L")
    assert pdq(grey) == pdq(grey.convert("RGB"))


def test_fewer_than_five_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="5 pixels"):
        pdq(Image.new("RGB", (4, 100)))
