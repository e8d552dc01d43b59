"""Hubs for the tests of this folder, in homes of their own beside the test run's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import REFERENCE
from tests.whole.hub_process import HubProcess, Services

_on_services: list[str] = []  # the hub that runs on a given broker, or none


@contextmanager
def a_hub(
    name: str, request: pytest.FixtureRequest, services: Services | None, **environment: str
) -> Iterator[HubProcess]:
    """A hub that runs, and is gone afterwards; what it wrote is kept when a test failed meanwhile."""
    home = Path(os.environ["HUB_HOME"]).parent / f"whole-{name}-{os.getpid()}"
    shutil.rmtree(home, ignore_errors=True)
    failed_before = request.session.testsfailed
    if services:
        assert not _on_services, f"hub {_on_services[0]} still runs: two on one broker take each other's messages"
    hub = HubProcess(home, services, **environment)
    if services:
        _on_services.append(name)
    try:
        hub.start()
        yield hub
    finally:
        hub.close(keep=request.session.testsfailed > failed_before)
        _on_services.clear()


@pytest.fixture(scope="module")
def hub(request: pytest.FixtureRequest) -> Iterator[HubProcess]:
    """A hub that a file's tests share; they leave its processes alone. It is gone before the next file starts one."""
    with a_hub("shared", request, Services.given()) as running:
        yield running


@pytest.fixture(scope="package")
def reference() -> Path:
    """As for every test, but once for all tests that read it."""
    if not REFERENCE.is_dir():
        pytest.skip("the reference data is not beside this checkout (../shared/data)")
    return REFERENCE
