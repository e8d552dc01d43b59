"""Every kind of picture is hashed as it is shown; what can't be read is refused by name."""

from __future__ import annotations

from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image

from hub_client.errors import UnreadableFile
from hub_client.hashing import hash_file
from hub_client.hashing.pictures import read_picture


def shown(path: Path) -> Image.Image:
    picture = read_picture(path)
    assert picture is not None
    return picture


def in_mode(photo: Image.Image, mode: str) -> Image.Image:
    grey = np.asarray(photo.convert("L"))
    match mode:
        case "I;16":
            return Image.fromarray(grey.astype(np.uint16) * 257)
        case "I":
            return Image.fromarray(grey.astype(np.int32) * 257)
        case "F":
            return Image.fromarray(grey.astype(np.float32) / 255)
        case "PA":
            return photo.convert("P", palette=Image.Palette.ADAPTIVE).convert("PA")
    return photo.convert(mode)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("1", "png"),
        ("L", "png"),
        ("LA", "png"),
        ("P", "gif"),
        ("PA", "tiff"),
        ("RGB", "png"),
        ("RGBA", "png"),
        ("CMYK", "tiff"),
        ("YCbCr", "jpg"),
        ("I", "tiff"),
        ("F", "tiff"),
        ("I;16", "png"),
        ("RGB", "webp"),
        ("RGB", "bmp"),
    ],
)
def test_each_mode_is_hashed_like_the_picture_it_shows(
    mode: str, suffix: str, photo: Image.Image, tmp_path: Path
) -> None:
    path = tmp_path / f"picture.{suffix}"
    in_mode(photo, mode).save(path)
    plain = tmp_path / "plain.png"
    photo.save(plain)

    one, other = hash_file(path), hash_file(plain)

    assert one.media == "picture"
    apart = (int(one.pdq, 16) ^ int(other.pdq, 16)).bit_count()
    few_colours = mode in ("1", "P", "PA")  # dots that look like the picture from afar
    assert apart <= (31 if few_colours else 16)
    assert one.pdq_quality is not None
    assert one.pdq_quality >= 50


def test_phash_and_dhash_are_written_as_the_hub_takes_them(photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    photo.save(path)

    found = hash_file(path)

    assert (found.phash, found.dhash) == (str(imagehash.phash(photo)), str(imagehash.dhash(photo)))


def test_what_lies_under_transparency_does_not_count(photo: Image.Image, tmp_path: Path) -> None:
    mask = Image.new("L", photo.size, 255)
    mask.paste(0, (0, 0, 160, 200))
    for name, hidden in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        covered = photo.copy()
        covered.paste(hidden, (0, 0, 160, 200))
        covered.putalpha(mask)
        covered.save(tmp_path / f"{name}.png")
    white = photo.copy()
    white.paste((255, 255, 255), (0, 0, 160, 200))

    assert hash_file(tmp_path / "red.png").pdq == hash_file(tmp_path / "blue.png").pdq
    assert np.array_equal(np.asarray(shown(tmp_path / "red.png")), np.asarray(white))


@pytest.mark.parametrize("orientation", range(2, 9))
def test_the_exif_orientation_is_applied(orientation: int, photo: Image.Image, tmp_path: Path) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo.transpose(turns[orientation]).save(tmp_path / "turned.png", exif=exif)

    assert np.array_equal(np.asarray(shown(tmp_path / "turned.png")), np.asarray(photo))


def test_of_an_animation_the_first_picture_counts(photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "moving.webp"
    photo.save(path, save_all=True, append_images=[Image.new("RGB", photo.size)], lossless=True)

    assert np.array_equal(np.asarray(shown(path)), np.asarray(photo))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "tiff"])
def test_a_picture_that_is_cut_off_is_refused_by_name(suffix: str, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / f"cut.{suffix}"
    photo.save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(UnreadableFile) as caught:
        hash_file(path)

    assert str(path) in str(caught.value)
    assert caught.value.path == str(path)
    assert caught.value.mend


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(path)  # 50 kB, and 1.2 GB of RGB

    with pytest.raises(UnreadableFile, match=r"bomb\.png: The picture has more pixels"):
        hash_file(path)


def test_the_limit_of_pixels_can_be_set(photo: Image.Image, tmp_path: Path) -> None:
    photo.save(tmp_path / "a.png")

    with pytest.raises(UnreadableFile, match="more pixels"):
        hash_file(tmp_path / "a.png", most_pixels=320 * 200 - 1)
    assert hash_file(tmp_path / "a.png", most_pixels=320 * 200).pdq


def test_what_only_calls_itself_a_picture_is_refused_and_another_file_has_its_digests(tmp_path: Path) -> None:
    (tmp_path / "not.jpg").write_text("hello")
    (tmp_path / "notes.txt").write_text("hello")

    with pytest.raises(UnreadableFile, match="no picture"):
        hash_file(tmp_path / "not.jpg")
    found = hash_file(tmp_path / "notes.txt")
    assert (found.media, found.md5, found.pdq) == ("file", "5d41402abc4b2a76b9719d911017c592", "")


def test_a_picture_of_a_kind_that_is_not_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")

    assert "not read" in hash_file(tmp_path / "a.svg").note


def test_a_program_in_postscript_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "a.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")

    assert hash_file(tmp_path / "a.eps").media == "file"


@pytest.mark.parametrize("name", ["missing.jpg", "empty.png", "folder"])
def test_no_file_an_empty_one_and_a_folder_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder").mkdir()

    with pytest.raises(UnreadableFile) as caught:
        hash_file(tmp_path / name)
    assert caught.value.mend


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((20, 20), np.nan, np.float32)).save(tmp_path / "nan.tiff")

    with pytest.raises(UnreadableFile):
        hash_file(tmp_path / "nan.tiff")


def test_a_flat_picture_is_submitted_without_the_hashes_that_have_no_quality(tmp_path: Path) -> None:
    Image.new("RGB", (100, 100), "white").save(tmp_path / "white.png")

    found = hash_file(tmp_path / "white.png")

    assert found.phash
    assert [indicator.type for indicator in found.indicators()] == ["pdq", "md5", "sha256"]


def test_a_tiny_picture_has_its_digests(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")

    assert hash_file(tmp_path / "dot.png").note
    assert hash_file(tmp_path / "dot.png").sha256
