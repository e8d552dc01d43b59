"""The partner's client and its file, where only this side can bring a thing about."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organisation
from hub_client import HubClient, LocalCopy
from sharing.signals.models import Signal
from sharing.visibility.models import SharingGroup
from tests import factories
from tests.feeds.test_feed import retract, revoke

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "copy.sqlite"


def shown(path: Path) -> set[str]:
    with LocalCopy(path) as copy:
        return {signal.id for signal in copy.signals()}


def ids(*signals: Signal) -> set[str]:
    return {str(signal.uuid) for signal in signals}


def client_of(organisation: Organisation, live_server: LiveServer) -> HubClient:
    return HubClient(live_server.url, factories.make_client(organisation)[1])


def test_a_restored_database_is_read_anew_beside_what_is_shown(
    alpha: Organisation, beta: Organisation, group: SharingGroup, path: Path, live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    lost, kept = factories.submit(alpha, group), [factories.submit(alpha, group) for _ in range(3)]
    with client_of(beta, live_server) as client:
        client.sync(path)
        assert shown(path) == ids(lost, *kept)
        monkeypatch.setattr("sharing.feeds.stream.cluster_of", lambda _cursor: "another/1/1")
        Signal.objects.filter(pk=lost.pk).update(subject_role="victim")  # as if it had never been submitted
        seen: list[set[str]] = []

        done = client.sync(path, entries=1, told=lambda _now: seen.append(shown(path)))

        assert done.began_anew
        assert seen[:-1] == [ids(lost, *kept)] * (len(seen) - 1)
        assert len(seen) >= 3
        assert shown(path) == ids(*kept)
        assert not client.sync(path).began_anew


def test_a_cursor_under_a_lost_secret_key_begins_anew(
    alpha: Organisation, beta: Organisation, group: SharingGroup, path: Path, live_server: LiveServer,
    settings: LazySettings,
) -> None:  # fmt: skip
    signal = factories.submit(alpha, group)
    with client_of(beta, live_server) as client:
        client.sync(path)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key" * 8, []
        assert client.sync(path).began_anew
    assert shown(path) == ids(signal)


def test_what_is_lost_leaves_the_copy(
    alpha: Organisation, beta: Organisation, group: SharingGroup, path: Path, live_server: LiveServer
) -> None:
    retracted, other = factories.submit(alpha, group), factories.submit(alpha, group)
    with client_of(beta, live_server) as client:
        client.sync(path)
        retract(retracted)
        assert client.sync(path).removed == 1
        assert shown(path) == ids(other)
        revoke(beta, group)
        assert client.sync(path).removed == 1
        assert shown(path) == set()


def test_a_copy_narrowed_to_a_group_that_is_lost_is_emptied(
    alpha: Organisation, beta: Organisation, group: SharingGroup, path: Path, live_server: LiveServer
) -> None:
    factories.submit(alpha, group)
    with client_of(beta, live_server) as client:
        assert client.sync(path, group="watch").signals == 1
        revoke(beta, group)
        assert client.sync(path, group="watch").signals == 0
