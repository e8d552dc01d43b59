"""Files become hashes in the browser, the same as the client's, and stay there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from hub_client.hashing import pdq
from hub_client.hashing.pictures import read_picture
from sharing.signals.indicators import Indicator
from sharing.signals.models import Signal
from tests.client.drawing import drawn
from tests.portal.edge.listening import AUDIENCE, Server

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "data" / "pdq"


def test_files_become_hashes_and_their_bytes_and_names_stay(page: Page, server: Server, tmp_path: Path) -> None:
    picture, notes, damaged = tmp_path / "holiday-snap.png", tmp_path / "secret-notes.txt", tmp_path / "broken.jpg"
    drawn(7).save(picture)
    notes.write_bytes(b"nothing that anybody else should read " * 50)
    damaged.write_bytes(b"\xff\xd8\xff" + bytes(200))
    (tmp_path / "empty.bin").touch()
    page.goto(AUDIENCE)
    page.get_by_label("Files").set_input_files([picture, notes, damaged, tmp_path / "empty.bin"])
    expect(page.get_by_text("Files that became indicators: 2.")).to_be_visible()
    expect(page.get_by_text("broken.jpg: The picture is damaged or cut off.")).to_be_visible()
    expect(page.get_by_text("empty.bin: The file is empty.")).to_be_visible()
    expect(page.get_by_text("From the file holiday-snap.png")).to_have_count(3)
    page.get_by_label("Severity").select_option("low")
    page.get_by_role("button", name="Submit the signal").click()
    expect(page.get_by_text("The signal was stored.")).to_be_visible()

    found = {(one.signal_type, bytes(one.value)) for one in Indicator.objects.all()}
    assert found == {
        ("pdq", pdq(drawn(7))[0]),
        *(("sha256", hashlib.sha256(path.read_bytes()).digest()) for path in (picture, notes)),
        *(("md5", hashlib.md5(path.read_bytes()).digest()) for path in (picture, notes)),
    }
    assert Signal.objects.get().indicator_links.get(indicator__signal_type="pdq").quality == pdq(drawn(7))[1]
    for part in (picture.read_bytes()[100:140], b"anybody else should read", b"holiday-snap", b"secret-notes"):
        assert part not in server.all_heard


def hashed(page: Page, path: Path) -> dict[str, Any]:
    """What the worker makes of a file."""
    page.evaluate("document.getElementById('probe')?.remove()")
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), { type: 'file', id: 'probe' }))")
    page.locator("#probe").set_input_files(path)
    found: dict[str, Any] = page.evaluate(
        """async () => {
          const { Helper } = await import("/static/portal/edge/courier.js");
          window.probing ??= new Helper("/static/portal/edge/worker.js");
          const file = document.getElementById("probe").files[0];
          return window.probing.call("hash", { file }).catch((error) => ({ code: error.code }));
        }"""
    )
    return found


def apart(one: str, other: bytes) -> int:
    return (int(one, 16) ^ int.from_bytes(other, "big")).bit_count()


def agreement(page: Page, paths: list[Path]) -> dict[str, tuple[int, int]]:
    """For each picture, in how many bits and by how much in quality the browser's PDQ differs from the client's."""
    found = {}
    for path in paths:
        result, picture = hashed(page, path), read_picture(path)
        assert picture is not None
        due, quality = pdq(picture)
        found[path.name] = apart(result["pdq"]["hash"], due), abs(result["pdq"]["quality"] - quality)
        assert result["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert result["md5"] == hashlib.md5(path.read_bytes()).hexdigest()
    return found


def test_the_pdq_of_pictures_of_every_kind_is_the_clients(page: Page, tmp_path: Path) -> None:
    paths = []
    for number, size in enumerate([(320, 200), (64, 64), (5, 5), (63, 501), (1600, 1004), (700, 130)]):
        paths.append(tmp_path / f"{number}.png")
        drawn(number, size).save(paths[-1])
    clear = drawn(20)
    clear.putalpha(drawn(21).convert("L"))
    covered = Image.new("RGBA", (320, 200), (255, 0, 0, 0))
    covered.paste(drawn(22, (160, 200)), (0, 0))
    for name, picture in [("clear.png", clear), ("covered.png", covered), ("grey.png", drawn(23).convert("L"))]:
        paths.append(tmp_path / name)
        picture.save(paths[-1])
    for orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        paths.append(tmp_path / f"turned{orientation}.jpg")
        drawn(30 + orientation).save(paths[-1], exif=exif, quality=95)
    drawn(40).save(tmp_path / "a.webp", lossless=True, save_all=True, append_images=[drawn(41)])
    drawn(42).save(tmp_path / "a.bmp")
    paths += [tmp_path / "a.webp", tmp_path / "a.bmp"]

    found = agreement(page, paths)

    print({name: bits for name, (bits, _quality) in found.items() if bits}, "of", len(found))
    lossless = {name: bits for name, bits in found.items() if not name.endswith(".jpg") and name != "clear.png"}
    assert set(lossless.values()) == {(0, 0)}, lossless
    # Decoders round colours and mixed colours by one step in either direction.
    assert max(bits for bits, _quality in found.values()) <= 4, found


def test_the_pdq_of_the_reference_pictures_is_within_a_few_bits(page: Page) -> None:
    if not REFERENCE.is_dir():
        pytest.skip("the reference data is not beside this checkout (../shared/data)")
    found = agreement(page, sorted(REFERENCE.rglob("*.jpg")))
    print({name: bits for name, (bits, _quality) in found.items() if bits}, "of", len(found))
    assert len(found) == 19
    assert max(bits for bits, _quality in found.values()) <= 4, found
