"""The client for asyncio. `HubClient` is the same without."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
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
from .reading import Body
from .settings import Settings
from .signals import Indicator, NewSignal
from .watching import Watch

Answer = TypeVar("Answer")


class AsyncHubClient:
    """As HubClient, for asyncio: use it in an `async with` statement. One client serves any number of tasks."""

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
        self._http = httpx.AsyncClient(base_url=self.settings.url, headers=headers, timeout=timeout)

    def __repr__(self) -> str:
        return f"AsyncHubClient({self.settings.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    # --- Who and what ---------------------------------------------------------------------------------------------

    async def whoami(self) -> WhoAmI:
        """Whose key this is, and what it may do."""
        return await self._do(calls.whoami())

    async def sharing_groups(self) -> tuple[SharingGroup, ...]:
        return await self._do(calls.sharing_groups())

    async def signal_types(self) -> tuple[KindOfSignal, ...]:
        """The kinds of hash and identifier that the hub takes, with the thresholds in use."""
        return await self._do(calls.signal_types())

    async def identifier_keys(self) -> IdentifierKeys:
        """The public keys under which tokens of identifiers are made."""
        return await self._do(calls.identifier_keys())

    # --- Signals --------------------------------------------------------------------------------------------------

    async def submit(self, signal: NewSignal) -> Signal:
        """Submit one signal; with an `external_id` that the hub knows from you, change it.

        Only with an `external_id` it is sent again after an answer that did not come.
        """
        return await self._run(steps.submit(self._tokens, signal))

    async def submit_batch(self, signals: Sequence[NewSignal], *, atomic: bool = False) -> BatchResult:
        """Submit up to 5,000 in one request: good rows are stored, bad ones refused in their places.

        With `atomic` one bad row refuses all, and Invalid is raised.
        """
        return await self._run(steps.submit_batch(self._tokens, signals, atomic=atomic))

    async def submit_many(self, signals: Iterable[NewSignal], *, rows: int = ROWS) -> AsyncIterator[RowResult]:
        """Submit any number, in batches; gives the result of each in its place as its batch is stored."""
        before = 0
        for batch in batches(signals, rows):
            for row in in_place(await self.submit_batch(batch), before):
                yield row
            before += len(batch)

    async def bulk(self, signals: Iterable[NewSignal], *, key: str | None = None) -> AsyncIterator[RowResult]:
        """Submit any number in bulk uploads of up to 100,000; gives the result of each in its place, after each upload.

        An upload that breaks off is sent again under the same key, and the hub passes by what it has stored: nothing is
        lost or doubled, also without `external_id`. The key follows from the lines, so a program that was killed goes
        on by sending the same again; give a `key` of your own to tell two equal uploads apart.
        """
        before = 0
        for number, part in enumerate(parts(signals)):
            read, refused, told = await self._run(upload(self._tokens, part, numbered(key, number), before))
            lines = [line async for line in self._rows(calls.bulk_results(told.id))] if told else []
            for row in in_rows(lines, before, read, refused):
                yield row
            before = read

    async def signal(self, uuid: str) -> Signal:
        """One signal. The hub records that you read it."""
        return await self._do(calls.signal(uuid))

    def signals(self, **filters: str | int | datetime | None) -> AsyncIterator[Signal]:
        """Signals that you can see, newest first. Filters: kind, harm, severity, type, group, organisation, since."""
        return self._rows(calls.signals(filters))

    async def change(self, uuid: str, **changes: Any) -> Signal:
        """Change fields of your own signal; lists are replaced whole. Indicators are changed by submitting again."""
        if "indicators" in changes:
            raise ValueError("Submit the signal again with its external_id to change its indicators.")
        return await self._do(calls.change(uuid, changes))

    async def retract(self, uuid: str, reason: str) -> Signal:
        """Take your own signal back."""
        return await self._do(calls.retract(uuid, reason))

    # --- Look-ups -------------------------------------------------------------------------------------------------

    async def look_up(self, items: Sequence[Indicator]) -> list[LookupAnswer]:
        """What the hub knows of each of any number of items, in their order. Nothing of it is stored."""
        return await self._run(steps.look_up(self._tokens, items))

    async def look_up_range(self, item: Indicator) -> Suffix | None:
        """The same for one md5, sha1, sha256, url or text, of which only the first five digits are sent."""
        return await self._run(steps.look_up_range(item))

    async def tokens(self, items: Sequence[Indicator]) -> list[list[Indicator]]:
        """Each item as it may be asked anywhere: an identifier as its token under every live key, of which the hub only
        evaluates what it can't read; all else as it is."""
        return await self._run(steps.tokens(self._tokens, items))

    # --- A copy ---------------------------------------------------------------------------------------------------

    async def sync(
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
            return await self._run(
                sync(writer, url=self.settings.url, types=types, group=group, entries=entries, told=told), apart=True
            )

    async def keep_synced(
        self,
        path: str | os.PathLike[str],
        *,
        types: Sequence[str] = (),
        group: str = "",
        entries: int = MOST_ENTRIES,
        every: float = 10.0,
        told: Told | None = None,
    ) -> AsyncIterator[Synced]:
        """The same without end, `every` so many seconds; gives what each sync did. Others may write the file again
        when it is closed: leave the loop within `contextlib.aclosing`."""
        with CopyWriter(Path(path)) as writer:
            while True:
                yield await self._run(
                    sync(writer, url=self.settings.url, types=types, group=group, entries=entries, told=told),
                    apart=True,
                )
                await asyncio.sleep(every)

    # --- Matches --------------------------------------------------------------------------------------------------

    def matches(self, **filters: str | int | None) -> AsyncIterator[Match]:
        """Your matches, newest first. Filters: verdict, harm, severity, found, rematch."""
        return self._rows(calls.matches(filters))

    async def match(self, uuid: str) -> Match:
        """One match with its evidence. The hub records that you read it."""
        return await self._do(calls.match(uuid))

    async def new_matches(self, watch: Watch, **filters: str | int | None) -> list[Match]:
        """The matches that `watch` does not know yet, oldest first."""
        watch.begin()
        async for match in self.matches(**filters):
            if not watch.wants(match):
                break
        return watch.new()

    async def follow_matches(
        self,
        *,
        since: datetime | None = None,
        every: float = 5.0,
        watch: Watch | None = None,
        **filters: str | int | None,
    ) -> AsyncIterator[Match]:
        """New matches as they come, without end: from `since` on, or from now. Looks `every` so many seconds."""
        watch = watch or Watch(since)
        while True:
            for match in await self.new_matches(watch, **filters):
                yield match
            await asyncio.sleep(every)

    async def give_verdict(self, uuid: str, verdict: str, note: str = "") -> Match:
        """Say what your review found: true_positive, false_positive, disputed, needs_more; unreviewed takes it back."""
        return await self._do(calls.give_verdict(uuid, verdict, note))

    def floods(self) -> AsyncIterator[Flood]:
        """What was summarised instead of told match by match."""
        return self._rows(calls.floods())

    # --- One request ----------------------------------------------------------------------------------------------

    async def _do(self, call: Call[Answer]) -> Answer:
        for attempt in count(1):
            try:
                return await self._sent(call)
            except HubClientError as failure:
                wait = self._retries.wait(attempt, failure, call)
                if wait is None:
                    raise
            await asyncio.sleep(wait)
        raise AssertionError

    async def _sent(self, call: Call[Answer]) -> Answer:
        sent = exchange.request_of(call)
        if call.stream is not None:
            sent["content"] = call.stream.apieces()
        with exchange.failures_told():
            async with self._http.stream(**sent) as response:
                body = Body(response)
                async for piece in response.aiter_raw():
                    body.add(piece)
                return exchange.answer_of(call, response, body.whole())

    async def _run(self, wanted: steps.Steps[Answer], *, apart: bool = False) -> Answer:
        """With `apart` the steps themselves run in a thread: those that write a file would hold all tasks up."""
        step: Callable[[], Call[Any]] = partial(next, wanted)
        while True:
            done, value = await _in_thread(partial(_ended, step)) if apart else _ended(step)
            if done:
                result: Answer = value
                return result
            try:
                step = partial(wanted.send, await self._do(value))
            except HubClientError as error:
                step = partial(wanted.throw, error)

    async def _rows(self, first: Call[Page[Answer]]) -> AsyncIterator[Answer]:
        call: Call[Page[Answer]] | None = first
        while call is not None:
            page = await self._do(call)
            for row in page.results:
                yield row
            call = call.following(page.next) if page.next else None


def _ended(step: Callable[[], Any]) -> tuple[bool, Any]:
    """Whether the steps are at their end, and the result or the next call."""
    try:
        return False, step()
    except StopIteration as end:
        return True, end.value


async def _in_thread(work: Callable[[], tuple[bool, Any]]) -> tuple[bool, Any]:
    """Cancelled, it still waits for the thread: the file that it writes is about to be closed."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
