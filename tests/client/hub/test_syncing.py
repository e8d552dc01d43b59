"""A copy of a real hub, and the commands that keep and ask it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import time
from contextlib import aclosing, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from hub_client import (
    Account,
    AsyncHubClient,
    BadCopy,
    HubClient,
    Indicator,
    Invalid,
    LocalCopy,
    NewSignal,
    NotPermitted,
    Synced,
)
from hub_client.cli import app
from tests.client.hub.conftest import GROUP
from tests.whole.hub_process import HubProcess

PDQ = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"


@pytest.fixture(autouse=True)
def environment(hub: HubProcess, keys: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_URL", hub.url)
    monkeypatch.setenv("HUB_KEY", keys["alpha"])
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "copy.sqlite"


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=typed)


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def submit(client: HubClient, *indicators: Indicator, kind: str = "content") -> str:
    account = Account("exampletube") if kind == "account" else None
    return client.submit(
        NewSignal(
            external_id=str(uuid4()), kind=kind, harm="people_smuggling", severity="high", sharing_groups=(GROUP,),
            indicators=indicators, account=account,
        )
    ).id  # fmt: skip


def shown(path: Path) -> dict[str, str]:
    with LocalCopy(path) as copy:
        return {signal.id: signal.severity for signal in copy.signals()}


def visible(client: HubClient) -> dict[str, str]:
    return {signal.id: signal.severity for signal in client.signals(limit=200) if signal.state == "active"}


def test_a_copy_holds_what_its_owner_sees_and_then_what_changes(path: Path, alpha: HubClient, beta: HubClient) -> None:
    kept, changed, taken_back = (submit(beta, Indicator("md5", md5(str(uuid4())))) for _ in range(3))

    first = alpha.sync(path, entries=40)

    assert shown(path) == visible(alpha)
    assert {kept, changed, taken_back} <= shown(path).keys()
    assert first.signals == len(shown(path)) == first.changed
    beta.change(changed, severity="low")
    beta.retract(taken_back, "Sent by mistake.")
    added = submit(alpha, Indicator("md5", md5(str(uuid4()))))
    assert alpha.sync(path) == Synced(first.signals, changed=2, removed=1, began_anew=False)
    assert shown(path) == visible(alpha)
    assert (shown(path)[changed], added in shown(path)) == ("low", True)
    assert alpha.sync(path) == Synced(first.signals, 0, 0, began_anew=False)


def test_offline_and_online_look_ups_say_the_same(path: Path, alpha: HubClient, beta: HubClient) -> None:
    def turned(bits: int) -> str:
        return f"{int(PDQ, 16) ^ (1 << bits) - 1:064x}"

    for bits, quality in ((0, 100), (7, 40), (31, 90), (40, 90)):
        submit(beta, Indicator("pdq", turned(bits), quality=quality))
    submit(beta, Indicator("phash", "d1d1b0e2c7a43b5a"), Indicator("dhash", "7c6cece4e8d2d2e4"))
    submit(alpha, Indicator("url", "https://example.net/a"), Indicator("sha256", md5("a") * 2))
    frames = [{"hash": PDQ, "quality": 90, "timestamp": 0.0}]
    submit(beta, Indicator("vpdq", frames))
    asked = [
        *(Indicator("pdq", turned(bits), quality=quality) for bits in (0, 3, 9, 62) for quality in (None, 49, 100)),
        Indicator("phash", "d1d1b0e2c7a43ba5"), Indicator("dhash", "7c6cece4e8d2d2e5"),
        Indicator("dhash", "836cece4e8d2d2e5"), Indicator("url", "http://EXAMPLE.net/a"),
        Indicator("sha256", md5("a") * 2), Indicator("md5", md5("never")), Indicator("vpdq", frames),
    ]  # fmt: skip
    alpha.sync(path)

    with LocalCopy(path) as copy:
        offline = copy.look_up(asked)

    online = alpha.look_up(asked)
    assert [answer.status for answer in offline] == [answer.status for answer in online]
    assert [{(kept.signal.id, kept.distance) for kept in answer.signals} for answer in offline] == [
        {(found.id, found.distance) for found in answer.signals} for answer in online
    ]
    assert {answer.status for answer in online} == {"found", "none"}
    assert {found.distance for answer in online for found in answer.signals} >= {0, 3, 31}


def test_what_the_hub_has_fewer_bits_for_is_not_near_in_the_copy(path: Path, alpha: HubClient) -> None:
    alpha.sync(path)
    with LocalCopy(path) as copy:
        assert copy.state().thresholds == {kind.name: kind.threshold for kind in alpha.signal_types()}


def test_a_first_sync_that_is_stopped_shows_nothing_and_the_next_goes_on(path: Path, alpha: HubClient) -> None:
    for _ in range(3):
        submit(alpha, Indicator("md5", md5(str(uuid4()))))

    def stop(now: Synced) -> None:
        if now.signals == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        alpha.sync(path, entries=1, told=stop)
    with LocalCopy(path) as copy, pytest.raises(BadCopy, match="never read to its end"):
        copy.look_up([Indicator("md5", md5("1"))])
    rest = alpha.sync(path)
    assert rest.changed == rest.signals - 2
    assert shown(path) == visible(alpha)


def test_a_cursor_that_the_hub_refuses_begins_anew_and_all_the_while_the_old_copy_is_shown(
    path: Path, alpha: HubClient
) -> None:
    kept, taken_back = (submit(alpha, Indicator("md5", md5(str(uuid4())))) for _ in range(2))
    alpha.sync(path)
    before = shown(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE copy SET cursor = 'of another hub'")
        database.commit()
    alpha.retract(taken_back, "Sent by mistake.")
    seen: list[dict[str, str]] = []

    done = alpha.sync(path, entries=max(1, len(before) // 10), told=lambda now: seen.append(shown(path)))

    assert done.began_anew
    assert all(one == before for one in seen[:-1])
    assert len(seen) > min(5, done.signals)
    assert shown(path) == visible(alpha) == {uuid: at for uuid, at in before.items() if uuid != taken_back}
    assert kept in shown(path)
    with closing(sqlite3.connect(path)) as database:  # nothing of the old one is left
        assert database.execute("SELECT count(*) FROM signal").fetchone() == (done.signals,)
    assert not alpha.sync(path).began_anew


def test_a_copy_stays_its_owners(path: Path, alpha: HubClient, beta: HubClient, hub: HubProcess) -> None:
    alpha.sync(path)
    for refused in (
        lambda: beta.sync(path),
        lambda: alpha.sync(path, types=["md5"]),
        lambda: alpha.sync(path, group=GROUP),
        lambda: HubClient(f"http://localhost:{hub.port}").sync(path),
    ):
        with pytest.raises(BadCopy, match="Name another file"):
            refused()
    assert shown(path) == visible(alpha)


def test_narrowed_copies(tmp_path: Path, alpha: HubClient) -> None:
    one = submit(alpha, Indicator("sha1", "ab" * 20), Indicator("md5", md5("narrow")))
    alpha.sync(tmp_path / "types", types=["sha1", "email"])
    alpha.sync(tmp_path / "group", group=GROUP)
    with LocalCopy(tmp_path / "types") as copy:
        known, unknown = copy.look_up([Indicator("sha1", "ab" * 20), Indicator("md5", md5("narrow"))])
    assert [kept.signal.id for kept in known.signals] == [one]
    assert unknown.status == "refused"
    assert one in shown(tmp_path / "group")
    with pytest.raises(Invalid, match="no list of signal types"):
        alpha.sync(tmp_path / "wrong", types=["smell"])
    with pytest.raises(Invalid, match="no sharing group of this name"):
        alpha.sync(tmp_path / "wrong", group="nowhere")
    assert alpha.sync(tmp_path / "wrong").signals > 0  # what the hub refused was not noted


def test_a_signal_that_ends_soon_leaves_by_itself(path: Path, alpha: HubClient) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=5)
    uuid = submit(alpha, Indicator("md5", md5(str(uuid4()))))
    alpha.change(uuid, expires_at=soon.isoformat())
    alpha.sync(path)
    with LocalCopy(path) as copy:
        assert copy.signal(uuid) is not None
        time.sleep((soon - datetime.now(UTC)).total_seconds() + 0.05)
        assert copy.signal(uuid) is None


def test_the_other_client_does_the_same(path: Path, hub: HubProcess, keys: dict[str, str], alpha: HubClient) -> None:
    async def everything() -> None:
        async with AsyncHubClient(hub.url, keys["alpha"]) as client:
            await client.sync(path, entries=40)
            assert shown(path) == visible(alpha)
            async with aclosing(client.keep_synced(path, every=0.05)) as syncs:
                async for done in syncs:
                    if done.changed:
                        break
                    submit(alpha, Indicator("md5", md5(str(uuid4()))))
            task = asyncio.create_task(client.sync(path, told=lambda _now: task.cancel()))
            with pytest.raises(asyncio.CancelledError):
                await task
            with closing(sqlite3.connect(path)) as database:
                database.execute("UPDATE copy SET cursor = 'of another hub'")
                database.commit()
            assert (await client.sync(path)).began_anew
        assert shown(path) == visible(alpha)

    asyncio.run(asyncio.wait_for(everything(), 60))


def test_the_commands_keep_a_copy_and_ask_it(tmp_path: Path, alpha: HubClient, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(alpha, Indicator("pdq", PDQ, quality=100))

    kept, again = run("sync"), run("sync", "--json")

    assert (kept.exit_code, again.exit_code) == (0, 0), kept.output
    assert "signals in the copy" in kept.stderr
    assert json.loads(again.stdout)["changed"] == 0
    (file,) = (tmp_path / "state" / "hub-client").glob("copy-*.sqlite")
    narrow = str(tmp_path / "narrow.sqlite")
    assert run("sync", "--db", narrow, "--types", "pdq,md5").exit_code == 0
    monkeypatch.setenv("HUB_KEY", f"hub_{'a' * 12}_{'b' * 43}")  # nothing of the hub is needed now
    assert "It holds types md5,pdq only." in run("lookup", "--offline", "--db", narrow, "--type", "pdq", PDQ).stderr
    asked = run("lookup", "--offline", "--type", "pdq", f"{int(PDQ, 16) ^ 7:064x}")
    assert "3 bits differ" in asked.stdout
    assert "From the copy of" in asked.stderr
    assert "only" not in asked.stderr
    line = json.loads(run("lookup", "--offline", "--db", str(file), "--json", "--type", "pdq", PDQ).stdout)
    assert (line["status"], line["signals"][0]["distance"]) == ("found", 0)
    assert run("lookup", "--offline", "--range", "--type", "md5", md5("x")).exit_code == 3
    missing = run("lookup", "--offline", "--db", str(tmp_path / "none"), "--type", "md5", md5("x"))
    assert (missing.exit_code, "Make it with `hub-client sync`" in missing.stderr) == (3, True)


def test_identifiers_offline_are_refused_or_blinded_first(path: Path, alpha: HubClient) -> None:
    submit(alpha, Indicator("email", "eva.lang@example.org"), kind="account")
    alpha.sync(path)
    ask = ("lookup", "--offline", "--db", str(path), "--type", "email", "-")

    refused = run(*ask, typed="eva.lang@example.org\n")
    blinded = run(*ask, "--blind", typed="Eva.Lang@Example.org\nnobody.else@example.org\n")

    assert refused.exit_code == 1
    assert "only the hub's key makes them" in refused.stderr
    assert "value 1, email: found" in blinded.stdout
    assert "value 2, email: none" in blinded.stdout
    assert "lang" not in refused.output + blinded.output
    assert b"lang" not in path.read_bytes().lower()


def test_the_doctor_tells_the_age_of_a_copy(path: Path, alpha: HubClient) -> None:
    alpha.sync(path)
    good = run("doctor", "--db", str(path))
    assert good.exit_code == 0, good.output
    assert "ok   copy: " in good.stdout
    assert "signals as alpha sees them" in good.stdout
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE copy SET ended_at = ended_at - 3 * 86400")
        database.commit()
    assert "note copy" in run("doctor", "--db", str(path)).stdout
    assert "3 days old" in run("doctor", "--db", str(path)).stdout
    assert run("doctor", "--db", str(path.with_name("none"))).exit_code == 3


def test_a_key_that_may_not_read_is_told_so(path: Path, hub: HubProcess, alpha: HubClient) -> None:
    change = "UPDATE accounts_apiclient SET scopes = array_{}(scopes, 'signals:read')"
    with hub.connect() as connection:
        connection.execute(change.format("remove").encode())
        try:
            with pytest.raises(NotPermitted):
                alpha.sync(path)
        finally:
            connection.execute(change.format("append").encode())
