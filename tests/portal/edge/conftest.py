"""A listening hub, and a browser at it of somebody whose organisation sends no identifier in plain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from accounts.models import Organisation
from tests.portal.chromium import Open, sign_in
from tests.portal.conftest import Scene, make_scene
from tests.portal.edge.listening import Server


@pytest.fixture
def server(transactional_db: None) -> Iterator[Server]:
    server = Server()
    server.thread.daemon = True
    server.thread.start()
    server.thread.is_ready.wait()
    assert server.thread.error is None
    yield server
    server.thread.terminate()


@pytest.fixture
def site(server: Server) -> str:
    return server.url


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    return make_scene()


@pytest.fixture
def without_plain(scene: Scene) -> Scene:
    Organisation.objects.update(plain_identifiers=False)
    return scene


@pytest.fixture
def page(without_plain: Scene, open_page: Open) -> Page:
    page = open_page()
    sign_in(page)
    return page
