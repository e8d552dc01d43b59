"""What the scripts may do that read files and plain identifiers in a browser (roof).

They run in a worker, and a worker obeys the policy that came with its own script, not the page's. This one leaves it
without any way to a network but for loading its own modules: what it reads can't leave it but by a message to its page.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Final

FOLDER: Final = "/portal/edge/"
POLICY: Final = "default-src 'none'; script-src 'self'; frame-ancestors 'none'"


def add_headers(headers: MutableMapping[str, str], path: str, url: str) -> None:
    """For WhiteNoise, of each static file."""
    if FOLDER in url:
        headers["Content-Security-Policy"] = POLICY
