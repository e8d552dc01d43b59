"""Pictures, and a hub that fails, for the tests of the client."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
from PIL import Image

from hub_client import HubClient, Retries
from tests.client.drawing import drawn
from tests.client.failing import KEY, Failing


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """A picture, 320 x 200."""
    return drawn(7)


@pytest.fixture
def server() -> Iterator[Failing]:
    with Failing() as failing:
        Thread(target=failing.serve_forever, daemon=True).start()
        yield failing
        failing.shutdown()


@pytest.fixture
def client(server: Failing) -> Iterator[HubClient]:
    with HubClient(server.url, KEY, retries=Retries(attempts=4, first=0.01, most=0.02), timeout=5) as ready:
        yield ready
