"""Pictures for the tests of the client."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.client.drawing import drawn


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """A picture, 320 x 200."""
    return drawn(7)
