"""Files of other projects are what the list says they are, and nothing is fetched from elsewhere."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

STATIC = Path(__file__).resolve().parents[2] / "sharing" / "static" / "portal"
VENDOR = STATIC / "vendor"
TEMPLATES = STATIC.parents[2] / "templates"


def listed() -> dict[str, str]:
    rows = re.findall(r"^\| (\S+/\S+) \|.*\| ([0-9a-f]{64}) \|$", (VENDOR / "VENDORED.md").read_text(), re.MULTILINE)
    return dict(rows)


def test_every_vendored_file_has_its_listed_hash() -> None:
    files = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "VENDORED.md"
    }
    assert files == listed()
    assert len(files) > 1


def test_no_file_names_a_source_map_or_another_host() -> None:
    for path in STATIC.rglob("*"):
        if path.suffix in (".css", ".js"):
            text = path.read_text()
            assert "sourceMappingURL" not in text, path
            assert not re.search(r"url\([\"']?(?:https?:)?//", text), path


def test_no_template_fetches_from_another_host() -> None:
    for path in [*(TEMPLATES / "portal").rglob("*.html"), TEMPLATES / "403_csrf.html"]:
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", path.read_text()), path
