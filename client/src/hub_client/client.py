"""The client that waits for each answer. `AsyncHubClient` is the same for asyncio."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from . import calls, exchange, steps
from .answers import (
    BatchResult,
    Flood,
    IdentifierKeys,
    KindOfSignal,
    LookupAnswer,
    Match,
    Page,
    RowResult,
    SharingGroup,
    Signal,
    Suffix,
    WhoAmI,
)
from .batches import ROWS, batches, in_place
from .bulk import in_rows, numbered, parts, upload
from .calls import Call
from .copies.syncing import MOST_ENTRIES, Synced, Told, sync
from .copies.writing import CopyWriter
from .errors import HubClientError
from .exchange import TIMEOUT, Retries
from .identifiers import Tokens
from .reading import read_whole
from .settings import Settings
from .signals import Indicator, NewSignal
from .watching import Watch

Answer = TypeVar("Answer")


class HubClient:
    """A connection to one hub with one API key. Use it in a `with` statement, or close it.

    `url` and `key` come from HUB_URL and HUB_KEY or the configuration file where they are left out. `trusted_keys` are
    public keys of the hub's identifier tokens by their ids, if you know them from elsewhere. Raises BadSetting.

    All methods raise the errors of `hub_client.errors`, and InvalidValue for a value that its type refuses before
    anything is sent. One client serves one thread at a time.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        config: str | os.PathLike[str] | None = None,
        trusted_keys: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | float = TIMEOUT,
        retries: Retries | None = None,
    ) -> None:
        self.settings = Settings.found(url, key, config)
        self._tokens = Tokens(trusted_keys or self.settings.trusted_keys)
        self._retries = retries or Retries()
        headers = exchange.headers_of(self.settings)
        self._http = httpx.Client(base_url=self.settings.url, headers=headers, timeout=timeout)

    def __repr__(self) -> str:
        return f"HubClient({self.settings.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # --- Who and what ---------------------------------------------------------------------------------------------

    def whoami(self) -> WhoAmI:
        """Whose key this is, and what it may do."""
        return self._do(calls.whoami())

    def sharing_groups(self) -> tuple[SharingGroup, ...]:
        return self._do(calls.sharing_groups())

    def signal_types(self) -> tuple[KindOfSignal, ...]:
        """The kinds of hash and identifier that the hub takes, with the thresholds in use."""
        return self._do(calls.signal_types())

    def identifier_keys(self) -> IdentifierKeys:
        """The public keys under which tokens of identifiers are made."""
        return self._do(calls.identifier_keys())

    # --- Signals --------------------------------------------------------------------------------------------------

    def submit(self, signal: NewSignal) -> Signal:
        """Submit one signal; with an `external_id` that the hub knows from you, change it.

        Only with an `external_id` it is sent again after an answer that did not come.
        """
        return self._run(steps.submit(self._tokens, signal))

    def submit_batch(self, signals: Sequence[NewSignal], *, atomic: bool = False) -> BatchResult:
        """Submit up to 5,000 in one request: good rows are stored, bad ones refused in their places.

        With `atomic` one bad row refuses all, and Invalid is raised.
        """
        return self._run(steps.submit_batch(self._tokens, signals, atomic=atomic))

    def submit_many(self, signals: Iterable[NewSignal], *, rows: int = ROWS) -> Iterator[RowResult]:
        """Submit any number, in batches; gives the result of each in its place as its batch is stored."""
        before = 0
        for batch in batches(signals, rows):
            yield from in_place(self.submit_batch(batch), before)
            before += len(batch)

    def bulk(self, signals: Iterable[NewSignal], *, key: str | None = None) -> Iterator[RowResult]:
        """Submit any number in bulk uploads of up to 100,000; gives the result of each in its place, after each upload.

        An upload that breaks off is sent again under the same key, and the hub passes by what it has stored: nothing is
        lost or doubled, also without `external_id`. The key follows from the lines, so a program that was killed goes
        on by sending the same again; give a `key` of your own to tell two equal uploads apart.
        """
        before = 0
        for number, part in enumerate(parts(signals)):
            read, refused, told = self._run(upload(self._tokens, part, numbered(key, number), before))
            lines = self._rows(calls.bulk_results(told.id)) if told else ()
            yield from in_rows(lines, before, read, refused)
            before = read

    def signal(self, uuid: str) -> Signal:
        """One signal. The hub records that you read it."""
        return self._do(calls.signal(uuid))

    def signals(self, **filters: str | int | datetime | None) -> Iterator[Signal]:
        """Signals that you can see, newest first. Filters: kind, harm, severity, type, group, organisation, since."""
        return self._rows(calls.signals(filters))

    def change(self, uuid: str, **changes: Any) -> Signal:
        """Change fields of your own signal; lists are replaced whole. Indicators are changed by submitting again."""
        if "indicators" in changes:
            raise ValueError("Submit the signal again with its external_id to change its indicators.")
        return self._do(calls.change(uuid, changes))

    def retract(self, uuid: str, reason: str) -> Signal:
        """Take your own signal back."""
        return self._do(calls.retract(uuid, reason))

    # --- Look-ups -------------------------------------------------------------------------------------------------

    def look_up(self, items: Sequence[Indicator]) -> list[LookupAnswer]:
        """What the hub knows of each of any number of items, in their order. Nothing of it is stored."""
        return self._run(steps.look_up(self._tokens, items))

    def look_up_range(self, item: Indicator) -> Suffix | None:
        """The same for one md5, sha1, sha256, url or text, of which only the first five digits are sent."""
        return self._run(steps.look_up_range(item))

    def tokens(self, items: Sequence[Indicator]) -> list[list[Indicator]]:
        """Each item as it may be asked anywhere: an identifier as its token under every live key, of which the hub only
        evaluates what it can't read; all else as it is."""
        return self._run(steps.tokens(self._tokens, items))

    # --- A copy ---------------------------------------------------------------------------------------------------

    def sync(
        self,
        path: str | os.PathLike[str],
        *,
        types: Sequence[str] = (),
        group: str = "",
        entries: int = MOST_ENTRIES,
        told: Told | None = None,
    ) -> Synced:
        """Bring the copy in this file up to date, or begin one: all that you may see, narrowed to signals with one of
        the `types`, or of one `group`. Stopped anywhere, the next one goes on. `told` is called after each page of at
        most so many `entries`. Ask the copy with LocalCopy. Raises BadCopy.
        """
        with CopyWriter(Path(path)) as writer:
            return self._run(sync(writer, url=self.settings.url, types=types, group=group, entries=entries, told=told))

    def keep_synced(
        self,
        path: str | os.PathLike[str],
        *,
        types: Sequence[str] = (),
        group: str = "",
        entries: int = MOST_ENTRIES,
        every: float = 10.0,
        told: Told | None = None,
    ) -> Iterator[Synced]:
        """The same without end, `every` so many seconds; gives what each sync did."""
        with CopyWriter(Path(path)) as writer:
            while True:
                yield self._run(
                    sync(writer, url=self.settings.url, types=types, group=group, entries=entries, told=told)
                )
                time.sleep(every)

    # --- Matches --------------------------------------------------------------------------------------------------

    def matches(self, **filters: str | int | None) -> Iterator[Match]:
        """Your matches, newest first. Filters: verdict, harm, severity, found, rematch."""
        return self._rows(calls.matches(filters))

    def match(self, uuid: str) -> Match:
        """One match with its evidence. The hub records that you read it."""
        return self._do(calls.match(uuid))

    def new_matches(self, watch: Watch, **filters: str | int | None) -> list[Match]:
        """The matches that `watch` does not know yet, oldest first."""
        watch.begin()
        for match in self.matches(**filters):
            if not watch.wants(match):
                break
        return watch.new()

    def follow_matches(
        self,
        *,
        since: datetime | None = None,
        every: float = 5.0,
        watch: Watch | None = None,
        **filters: str | int | None,
    ) -> Iterator[Match]:
        """New matches as they come, without end: from `since` on, or from now. Looks `every` so many seconds."""
        watch = watch or Watch(since)
        while True:
            yield from self.new_matches(watch, **filters)
            time.sleep(every)

    def give_verdict(self, uuid: str, verdict: str, note: str = "") -> Match:
        """Say what your review found: true_positive, false_positive, disputed, needs_more; unreviewed takes it back."""
        return self._do(calls.give_verdict(uuid, verdict, note))

    def floods(self) -> Iterator[Flood]:
        """What was summarised instead of told match by match."""
        return self._rows(calls.floods())

    # --- One request ----------------------------------------------------------------------------------------------

    def _do(self, call: Call[Answer]) -> Answer:
        for attempt in count(1):
            try:
                return self._sent(call)
            except HubClientError as failure:
                wait = self._retries.wait(attempt, failure, call)
                if wait is None:
                    raise
            time.sleep(wait)
        raise AssertionError

    def _sent(self, call: Call[Answer]) -> Answer:
        with exchange.failures_told(), self._http.stream(**exchange.request_of(call)) as response:
            return exchange.answer_of(call, response, read_whole(response))

    def _run(self, wanted: steps.Steps[Answer]) -> Answer:
        try:
            call = next(wanted)
            while True:
                try:
                    answer = self._do(call)
                except HubClientError as error:
                    call = wanted.throw(error)
                else:
                    call = wanted.send(answer)
        except StopIteration as end:
            result: Answer = end.value
            return result

    def _rows(self, first: Call[Page[Answer]]) -> Iterator[Answer]:
        call: Call[Page[Answer]] | None = first
        while call is not None:
            page = self._do(call)
            yield from page.results
            call = call.following(page.next) if page.next else None
