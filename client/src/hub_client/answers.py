"""What the hub answers. Fields that a newer hub adds are passed over."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec

from .errors import Problem

Row = TypeVar("Row")
# One without a zone can't be compared with others.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Answered(msgspec.Struct, frozen=True):
    """Base of all of them."""


class Organisation(Answered, frozen=True):
    name: str
    slug: str
    kind: str = ""


class WhoAmI(Answered, frozen=True):
    """Whose key this is: organisation, name of the API client, and what it may do."""

    organisation: Organisation
    client: str
    scopes: tuple[str, ...]


class SharingGroup(Answered, frozen=True):
    slug: str
    name: str
    may_contribute: bool = False


class KindOfSignal(Answered, frozen=True):
    """A signal type of the hub; `threshold` bits out of `bits` may differ; null bits where only equal
    values match."""

    name: str
    title: str
    keyed: bool
    bits: int | None = None
    threshold: int = 0


class StoredIndicator(Answered, frozen=True):
    """`value` is in hexadecimal digits: a hash, of an identifier its token, of a video a digest."""

    type: str
    value: str
    key_id: str = ""
    quality: int | None = None


class StoredAccount(Answered, frozen=True):
    platform: str
    behaviours: tuple[str, ...] = ()
    enforcement: str = "none"
    enforced_at: Moment | None = None


class Signal(Answered, frozen=True):
    """A signal as you may see it. `external_id` is there on your own only."""

    id: str
    organisation: str
    kind: str
    harm: str
    severity: str
    tlp: str
    state: str
    created_at: Moment
    updated_at: Moment
    expires_at: Moment
    external_id: str | None = None
    confidence: int = 50
    subject_role: str = "unknown"
    summary: str = ""
    lawful_basis: str = ""
    observed_at: Moment | None = None
    sharing_groups: tuple[str, ...] = ()
    indicators: tuple[StoredIndicator, ...] = ()
    account: StoredAccount | None = None


class RowResult(Answered, frozen=True):
    """What became of one row of a batch: `created`, `updated` or `refused`. `row` counts from 0."""

    row: int
    status: str
    id: str | None = None
    external_id: str | None = None
    errors: tuple[Problem, ...] = ()

    @property
    def stored(self) -> bool:
        return self.status != "refused"


class BatchResult(Answered, frozen=True):
    stored: int
    refused: int
    results: tuple[RowResult, ...]


class BulkUpload(Answered, frozen=True):
    """How far an upload came. `state` is `open` until the hub has seen its end; `lines` were dealt with."""

    id: str
    state: str
    lines: int
    created: int
    updated: int
    refused: int


class LineResult(Answered, frozen=True):
    """What became of one line of an upload. `line` counts from 1."""

    line: int
    status: str
    id: str | None = None
    external_id: str | None = None
    errors: tuple[Problem, ...] = ()


class IdentifierKey(Answered, frozen=True):
    """A key under which tokens of identifiers are made. `public_key` is in hexadecimal digits."""

    key_id: str
    public_key: str
    active: bool
    live: bool
    not_before: Moment | None = None
    not_after: Moment | None = None


class IdentifierKeys(Answered, frozen=True):
    suite: str
    mode: str
    keys: tuple[IdentifierKey, ...]


class Evaluated(Answered, frozen=True):
    """Evaluated elements in the order of those sent, and one proof for all, in hexadecimal digits."""

    key_id: str
    elements: tuple[str, ...]
    proof: str


class VerdictCounts(Answered, frozen=True):
    true_positive: int = 0
    false_positive: int = 0
    disputed: int = 0
    needs_more: int = 0


class Found(Answered, frozen=True):
    """A signal that a look-up found; `distance` is the number of bits that differ."""

    id: str
    organisation: str
    harm: str
    severity: str
    tlp: str
    distance: int
    verdicts: VerdictCounts


class LookupAnswer(Answered, frozen=True):
    """What the hub knows of one item: `found`, `none` or `refused`. `more`: there are signals beside those shown."""

    item: int
    status: str
    signals: tuple[Found, ...] = ()
    more: bool = False
    errors: tuple[Problem, ...] = ()


class LookupResult(Answered, frozen=True):
    found: int
    refused: int
    results: tuple[LookupAnswer, ...]


class Suffix(Answered, frozen=True):
    """The rest of a hash that begins with the digits asked for, and how many signals hold it (counted to 20)."""

    suffix: str
    signals: int
    more: bool = False


class Evidence(Answered, frozen=True):
    """One thing that two signals share. `distance` bits of at most `threshold` differ; 0 is identity."""

    type: str
    indicator: str
    related_indicator: str
    distance: int
    threshold: int
    strength: float = 0.0
    counts: bool = True


class Related(Answered, frozen=True):
    signal: Signal
    strength: float
    evidence: tuple[Evidence, ...] = ()


class Rematch(Answered, frozen=True):
    id: str
    cause: str


class Match(Answered, frozen=True):
    """Your organisation is told that `signal` relates to others that it can see. A clue, not proof."""

    id: str
    signal: Signal
    related: tuple[Related, ...]
    strength: float
    verdict: str
    created_at: Moment
    note: str = ""
    reviewed_at: Moment | None = None
    rematch: Rematch | None = None


class Flood(Answered, frozen=True):
    """What very many signals share, summarised instead of told match by match."""

    id: str
    type: str
    indicator: str
    signals: int
    newest: tuple[str, ...]
    created_at: Moment
    updated_at: Moment


class Page(msgspec.Struct, Generic[Row], frozen=True):
    """A page of a list; `next` is the address of the one after it."""

    results: tuple[Row, ...]
    next: str | None = None


class FeedEntry(Answered, frozen=True):
    """One signal that changed: `upsert` with the signal as it is now, in JSON, or `remove` with the reason."""

    id: str
    change: str
    reason: str = ""
    signal: msgspec.Raw = msgspec.Raw(b"")


class FeedPage(Answered, frozen=True):
    """What changed, in the order in which it is to be applied; `cursor` goes on after it."""

    entries: tuple[FeedEntry, ...]
    cursor: str
    more: bool
