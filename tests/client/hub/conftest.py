"""A real hub for the tests of the client, and members that share a group on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub_client import HubClient
from tests.whole.conftest import a_hub
from tests.whole.hub_process import HubProcess, Services

GROUP = "partners"
MEMBERS = ("alpha", "beta", "gamma")


@pytest.fixture(scope="package")
def hub(request: pytest.FixtureRequest) -> Iterator[HubProcess]:
    with a_hub("client", request, Services.given()) as running:
        yield running


@pytest.fixture(scope="package")
def keys(hub: HubProcess) -> dict[str, str]:
    made: dict[str, str] = hub.printed_by("-m", "tests.whole.members", GROUP, *MEMBERS)
    return made


@pytest.fixture
def alpha(hub: HubProcess, keys: dict[str, str]) -> Iterator[HubClient]:
    with HubClient(hub.url, keys["alpha"]) as client:
        yield client


@pytest.fixture
def beta(hub: HubProcess, keys: dict[str, str]) -> Iterator[HubClient]:
    with HubClient(hub.url, keys["beta"]) as client:
        yield client
