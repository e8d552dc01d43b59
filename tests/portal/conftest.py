"""Members who share a group, and their signed-in browsers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from accounts.models import Organisation, User
from sharing.visibility.models import SharingGroup
from tests import factories
from tests.portal.chromium import browser, open_page, site

__all__ = ["browser", "open_page", "site"]


@dataclass(frozen=True)
class Scene:
    """alpha and beta share with the group, the agency only looks, gamma is in no group."""

    alpha: Organisation
    beta: Organisation
    agency: Organisation
    gamma: Organisation
    group: SharingGroup
    ana: User


@pytest.fixture
def scene(db: None) -> Scene:
    return make_scene()


def make_scene() -> Scene:
    alpha = factories.make_organisation("alpha", name="Alpha Social")
    beta = factories.make_organisation("beta", name="Beta Video")
    agency = factories.make_organisation("agency", "agency", name="National agency")
    gamma = factories.make_organisation("gamma", name="Gamma Market")
    group = factories.make_group("watch", name="Trafficking watch")
    factories.give(alpha, group)
    factories.give(beta, group)
    factories.give(agency, group, "view")
    ana = factories.make_user(alpha, email="ana@alpha.example", name="Ana Lopez")
    return Scene(alpha, beta, agency, gamma, group, ana)


SignIn = Callable[[User], Client]


@pytest.fixture
def sign_in() -> SignIn:
    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="accounts.backends.MemberBackend")
        return client

    return signed_in


@pytest.fixture
def ana(scene: Scene, sign_in: SignIn) -> Client:
    """The browser of an analyst of alpha."""
    return sign_in(scene.ana)


@pytest.fixture
def auditor(scene: Scene, sign_in: SignIn) -> Client:
    return sign_in(factories.make_user(scene.alpha, role="auditor"))
