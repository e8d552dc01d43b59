"""hub-client doctor: is everything in place, and if not, what to do about it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import chain
from pathlib import Path
from typing import Final

import httpx
import typer

from hub_client import __version__
from hub_client.answers import IdentifierKeys
from hub_client.client import HubClient
from hub_client.copies import LocalCopy
from hub_client.errors import BadCopy, BadSetting, HubClientError, NoAnswer, NotFound, Refused
from hub_client.exchange import NO_DATE, Retries, failures_told
from hub_client.hashing.videos import can_read_videos
from hub_client.identifiers import TELL
from hub_client.reading import ACCEPTED, read_whole
from hub_client.settings import Settings

from .options import Config, Database, Json, Url
from .output import Code, code_of, counted, ends_well, print_json, tell

_SIGNS: Final = {"good": "ok  ", "note": "note", "bad": "BAD "}
_CLOCK_SECONDS: Final = 60
_OLD_COPY: Final = timedelta(days=1)
_USED: Final = (
    "signals:read",
    "signals:write",
    "signals:lookup",
    "identifiers:evaluate",
    "matches:read",
    "matches:review",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """`state` is good, note (works, but) or bad."""

    what: str
    state: str
    told: str
    mend: str = ""
    code: Code = Code.DONE


@ends_well
def doctor_command(db: Database = None, json: Json = False, url: Url = None, config: Config = None) -> None:
    """Check address, certificate, key, clock and optional parts, and say what to do about what is wrong.

    With --db a copy too: whether it is sound, and how old.
    """
    worst = Code.DONE
    for finding in chain(findings(url, config), [_copy(db)] if db else []):
        worst = worst or finding.code
        if json:
            print_json({"what": finding.what, "state": finding.state, "told": finding.told, "mend": finding.mend})
        else:
            tell(f"{_SIGNS[finding.state]} {finding.what}: {finding.told} {finding.mend}".rstrip())
    if worst:
        raise typer.Exit(worst)


def findings(url: str | None, config: Path | None) -> Iterator[Finding]:
    yield Finding("client", "good", f"hub-client {__version__} on Python {platform.python_version()} ({sys.platform}).")
    yield _videos()
    try:
        settings = Settings.found(url, config=config)
    except BadSetting as error:
        yield Finding("settings", "bad", error.message, error.mend, Code.SETTINGS)
        return
    yield Finding("settings", "good", f"The hub is {settings.url}.")
    try:
        answer, text = _health(settings.url)
    except HubClientError as failure:
        yield Finding("connection", "bad", failure.message, failure.mend, Code.NO_ANSWER)
        return
    yield _connection(answer, text, settings)
    yield _clock(answer)
    with HubClient(url, config=config, retries=Retries(attempts=1)) as client:
        yield from _key(client)


def _health(url: str) -> tuple[httpx.Response, bytes]:
    headers = {"Accept-Encoding": ACCEPTED}
    with failures_told(), httpx.stream("GET", f"{url}/healthz", headers=headers, timeout=10.0) as answer:
        return answer, read_whole(answer)


def _videos() -> Finding:
    if can_read_videos():
        return Finding("videos", "good", "PyAV is there.")
    return Finding("videos", "note", "Of videos only the file is hashed.", "pip install 'hub-client[video]'")


def _copy(path: Path) -> Finding:
    try:
        with LocalCopy(path) as copy:
            state, sound = copy.state(), copy.is_sound()
    except BadCopy as error:
        return Finding("copy", "bad", error.message, error.mend, Code.SETTINGS)
    if not sound:
        return Finding("copy", "bad", f"{path} is damaged.", "Delete it and sync again.", Code.SETTINGS)
    sync_it = "Run `hub-client sync`."
    if state.ended_at is None:
        return Finding("copy", "note", "It was never read to its end, so it answers nothing yet.", sync_it)
    age = datetime.now(UTC) - state.ended_at
    told = f"{counted(state.signals, 'signal')} as {state.owner.organisation} sees them, {_age(age)} old."
    return Finding("copy", "note" if age > _OLD_COPY else "good", told, sync_it if age > _OLD_COPY else "")


def _age(age: timedelta) -> str:
    seconds = max(age.total_seconds(), 0)
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return counted(round(seconds), "second")


def _connection(answer: httpx.Response, text: bytes, settings: Settings) -> Finding:
    if answer.status_code != httpx.codes.OK or text.strip() != b"ok":
        told = f"What answers there is no hub (HTTP {answer.status_code} for /healthz)."
        return Finding("connection", "bad", told, "Check the address.", Code.NO_ANSWER)
    if settings.url.startswith("http://"):
        return Finding("connection", "note", "It answers, over plain HTTP on this machine.", "Elsewhere use https://.")
    return Finding("connection", "good", "It answers, and its certificate is accepted.")


def _clock(answer: httpx.Response) -> Finding:
    try:
        apart = abs((parsedate_to_datetime(answer.headers["Date"]) - datetime.now(UTC)).total_seconds())
    except (KeyError, *NO_DATE):
        return Finding("clock", "note", "The hub does not tell its time.")
    if apart > _CLOCK_SECONDS:
        told = f"This clock and the hub's are {apart:.0f} seconds apart."
        return Finding("clock", "bad", told, "Set this one by NTP: times that you send would be wrong.", Code.SETTINGS)
    return Finding("clock", "good", "It goes with the hub's.")


def _key(client: HubClient) -> Iterator[Finding]:
    try:
        me = client.whoami()
    except (Refused, NoAnswer, HubClientError) as error:
        yield Finding("key", "bad", error.message, error.mend, code_of(error))
        return
    yield Finding("key", "good", f"It is {me.organisation.slug}'s, of the client {me.client}.")
    missing = [scope for scope in _USED if scope not in me.scopes]
    if missing:
        mend = "If you need that, ask the hub's administrators."
        yield Finding("scopes", "note", f"The key has not: {', '.join(missing)}.", mend)
    else:
        yield Finding("scopes", "good", "The key may do all that this client does.")
    try:
        groups = [group.slug for group in client.sharing_groups() if group.may_contribute]
        keys = client.identifier_keys()
    except NotFound:
        yield Finding(
            "identifiers", "bad", "This hub takes no blinded identifiers.", "Ask for a newer hub.", Code.REFUSED
        )
        return
    except HubClientError as error:
        yield Finding("groups", "note", error.message, error.mend)
        return
    told = f"You may share with {', '.join(groups)}." if groups else "There is no group that you may share with."
    yield Finding("groups", "good" if groups else "note", told, "" if groups else "Ask the hub's administrators.")
    yield _identifiers(keys, client.settings.trusted_keys)


def _identifiers(published: IdentifierKeys, trusted: Mapping[str, str]) -> Finding:
    """As `Tokens` takes the keys: with trusted ones it uses no other."""
    for key in published.keys:
        if key.live and key.key_id in trusted and trusted[key.key_id].lower() != key.public_key.lower():
            told = f"The hub publishes a key {key.key_id} that is not the one you trust."
            return Finding("identifiers", "bad", told, TELL, Code.REFUSED)
    active = next((key for key in published.keys if key.active), None)
    if active is None:
        return Finding("identifiers", "note", "The hub has no key for tokens of identifiers now.")
    if active.key_id in trusted:
        return Finding("identifiers", "good", f"Their key {active.key_id} is the one that you trust.")
    mend = "Compare it with what the administrators tell you, and write it into [trusted_keys]."
    told = f"Their key is {active.key_id} = {active.public_key}."
    if trusted:
        return Finding("identifiers", "bad", f"{told} You trust others only.", mend, Code.REFUSED)
    return Finding("identifiers", "note", told, mend)
