"""What the tests of webhooks share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from accounts.actor import Actor
from accounts.models import Organisation
from sharing.notifications.models import CHOSEN
from sharing.notifications.services import NewSecret, create_webhook
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from tests import factories
from tests.members import alpha, beta, group
from tests.notifications.receiver import Receiver, a_receiver
from tests.notifications.working import submit

__all__ = ["alpha", "beta", "group"]


@pytest.fixture
def receiver(settings: LazySettings) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with a_receiver() as running:
        yield running


@pytest.fixture
def actor(alpha: Organisation) -> Actor:
    return factories.actor_for(alpha)


@pytest.fixture
def hook(actor: Actor, receiver: Receiver) -> NewSecret:
    """alpha's webhook for everything, at the receiver."""
    return create_webhook(actor=actor, url=receiver.url, events=CHOSEN)


@pytest.fixture
def pair(hook: NewSecret, alpha: Organisation, beta: Organisation, group: SharingGroup) -> tuple[Signal, Signal]:
    """A signal of alpha, and one of beta that matches it. Nothing is worked off yet."""
    return submit(alpha, group), submit(beta, group)
