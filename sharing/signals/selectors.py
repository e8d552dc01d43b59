"""Reads on signals (floor 3)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from accounts.actor import Actor
from accounts.models import Organisation
from sharing import signal_types
from sharing.signals.inputs import AccountInput, SignalInput
from sharing.signals.models import AccountDetail, Share, Signal, SignalGrant, SignalIndicator, SignalQuerySet, is_live
from sharing.visibility.models import SharingGroup
from sharing.visibility.selectors import members, viewable_group_ids

COUNT_CAP = 1_000

Statement = tuple[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class SignalFilters:
    """What a list is narrowed to; None or "" leaves a field open. `organisation` and `group` are slugs."""

    kind: str = ""
    harm: str = ""
    severity: str = ""
    type: str = ""
    group: str = ""
    organisation: str = ""
    since: datetime | None = None
    text: str = ""

    def apply(self, signals: SignalQuerySet) -> SignalQuerySet:
        for name, value in (
            ("kind", self.kind),
            ("harm", self.harm),
            ("severity", self.severity),
            ("organisation__slug", self.organisation),
            ("created_at__gte", self.since),
        ):
            if value:
                signals = signals.filter(**{name: value})
        if self.type:
            signals = signals.filter(_has_indicator(indicator__signal_type=self.type))
        if self.text:
            signals = self._search(signals)
        return signals

    def _search(self, signals: SignalQuerySet) -> SignalQuerySet:
        value = _pasted_hash(self.text)
        if value is not None:
            # By identity and so by index; never "or words", which would make PostgreSQL test every signal there is.
            holding = SignalIndicator.objects.filter(
                indicator__signal_type__in=signal_types.NAMES, indicator__value=value
            )
            return signals.filter(pk__in=holding.values("signal"))
        words = SearchQuery(_EMPTY_NOT.sub(" ", self.text), config="simple", search_type="websearch")
        return signals.alias(words=SearchVector("summary", config="simple")).filter(words=words)


# A hyphen before a word means "without it". PostgreSQL waits for the word, and fails at the 33rd that has none: a ruled
# line that somebody pasted.
_EMPTY_NOT: Final = re.compile(r"-(?![\w\"])")


def _pasted_hash(text: str) -> bytes | None:
    """The value, when the text is a whole hash or token in hexadecimal digits. A short word like "face" is a word."""
    try:
        value = bytes.fromhex(text.strip())
    except ValueError:
        return None
    return value if len(value) in _HASH_SIZES else None


_HASH_SIZES = frozenset(item.size for item in signal_types.ALL)


def _has_indicator(**lookups: object) -> Exists:
    return Exists(SignalIndicator.objects.filter(signal=OuterRef("pk"), **lookups))


def newest_page(actor: Actor, filters: SignalFilters, *, before: int | None = None, size: int = 50) -> list[Signal]:
    """The newest visible signals with their details, newest first; `before` is the id that the last page ended with."""
    ids = _newest_ids(actor, filters, before=before, size=size)
    return list(with_details(Signal.objects.filter(pk__in=ids), actor).order_by("-pk"))


def capped_count(actor: Actor, filters: SignalFilters) -> int:
    """How many signals the actor sees under these filters; COUNT_CAP + 1 stands for "more than COUNT_CAP"."""
    return len(_newest_ids(actor, filters, before=None, size=COUNT_CAP + 1))


def _newest_ids(actor: Actor, filters: SignalFilters, *, before: int | None, size: int) -> list[int]:
    """Ids of the newest visible signals.

    A filter that picks few rows by an index of its own (words, one submitter) goes first, and each row is tested.
    Otherwise each branch (every viewable group, own, by name) gives its own newest and stops at `size`, and the
    branches are merged: one query over all of them would walk or sort far more than a page when the actor's groups
    hold only old rows.
    """
    if actor.organisation is None or not actor.is_known:
        return []
    bounds = Q() if before is None else Q(pk__lt=before)
    signals = filters.apply(Signal.objects.filter(bounds))
    group_ids = viewable_group_ids(actor)
    if filters.group:
        group_ids = _narrowed(group_ids, filters.group)
    if filters.text or filters.organisation:
        found = signals.visible_to(actor)
        if filters.group:
            found = found.filter(Exists(Share.objects.filter(signal=OuterRef("pk"), sharing_group__in=group_ids)))
        return list(found.order_by("-pk").values_list("pk", flat=True)[:size])
    branches = [_in_groups(signals, group_ids, before, size)]
    if not filters.group:
        newest = signals.order_by("-pk")
        branches.append(_statement(newest.filter(organisation=actor.organisation_id), size))
        branches.append(_statement(newest.filter(is_live(), grants__group=actor.organisation.group_id), size))
    union = " UNION ".join(f"({sql})" for sql, _params in branches)
    params = [value for _sql, values in branches for value in values]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM ({union}) AS page(id) ORDER BY id DESC LIMIT %s", [*params, size])  # noqa: S608
        return [pk for (pk,) in cursor.fetchall()]


# The inner LIMIT 1 keeps PostgreSQL from turning the look-up of each signal into a walk over all signals.
_IN_GROUPS = """
    SELECT found.id FROM unnest(%s::bigint[]) AS branch(group_id) CROSS JOIN LATERAL (
        SELECT share.signal_id FROM sharing_share AS share CROSS JOIN LATERAL ({signal}) AS kept
         WHERE share.sharing_group_id = branch.group_id AND share.signal_id < %s
         ORDER BY share.signal_id DESC LIMIT %s) AS found(id)
"""
_PAST_ALL_IDS = 2**63 - 1


def _in_groups(signals: SignalQuerySet, group_ids: list[int], before: int | None, size: int) -> Statement:
    """The newest of each group. LATERAL gives the groups one statement, whatever their number."""
    shared = signals.filter(is_live(), pk=RawSQL("share.signal_id", ()))  # a column name, no input
    sql, params = _statement(shared, 1)
    upper = _PAST_ALL_IDS if before is None else before
    return _IN_GROUPS.format(signal=sql), [group_ids, *params, upper, size]


def _statement(signals: SignalQuerySet, size: int) -> Statement:
    return signals.values("pk")[:size].query.sql_with_params()


def _narrowed(group_ids: list[int], slug: str) -> list[int]:
    chosen = SharingGroup.objects.filter(slug=slug, pk__in=group_ids)
    return list(chosen.values_list("pk", flat=True))


def with_details(signals: QuerySet[Signal], actor: Actor) -> QuerySet[Signal]:
    """With organisation, account, indicators and the groups that this actor may know of, in three queries.

    Of somebody else's signal an actor learns only the groups that it can view itself; `visible_shares` holds them.
    """
    known = Q(sharing_group__in=viewable_group_ids(actor)) | Q(signal__organisation=actor.organisation_id)
    return signals.select_related("organisation", "account").prefetch_related(
        Prefetch(
            "shares",
            Share.objects.filter(known).select_related("sharing_group").order_by("pk"),
            to_attr="visible_shares",
        ),
        Prefetch("indicator_links", SignalIndicator.objects.select_related("indicator").order_by("pk")),
    )


def as_input(signal: Signal) -> SignalInput:
    """The stored signal as its member would word it, without the indicators (tokens have no plain form)."""
    account = AccountDetail.objects.filter(signal=signal).first()
    return SignalInput(
        kind=signal.kind,
        harm=signal.harm,
        severity=signal.severity,
        tlp=signal.tlp,
        indicators=(),
        external_id=signal.external_id,
        confidence=signal.confidence,
        subject_role=signal.subject_role,
        summary=signal.summary,
        lawful_basis=signal.lawful_basis,
        observed_at=signal.observed_at,
        expires_at=signal.expires_at,
        sharing_groups=tuple(signal.groups.values_list("slug", flat=True)),
        named_organisations=tuple(signal.grants.order_by("pk").values_list("group__organisation__slug", flat=True)),
        account=_account_input(account) if account else None,
    )


def _account_input(account: AccountDetail) -> AccountInput:
    return AccountInput(
        platform=account.platform,
        behaviours=tuple(account.behaviours),
        enforcement=account.enforcement,
        enforced_at=account.enforced_at,
    )


@dataclass(frozen=True, slots=True)
class Access:
    """Why one organisation can see one signal."""

    organisation: Organisation
    through: str
    reason: str


def audience(actor: Actor, signal: Signal) -> list[Access]:
    """Who else sees this signal, and why; for its own organisation only, everybody else gets an empty list."""
    if not actor.is_known or signal.organisation_id != actor.organisation_id:
        return []
    groups = Share.objects.filter(signal=signal).values_list("sharing_group", flat=True)
    through_group = [
        Access(grant.group.organisation, grant.content_object.name, grant.reason)
        for grant in members(groups).exclude(group__organisation=signal.organisation_id)
    ]
    by_name = [
        Access(grant.group.organisation, "", grant.reason)
        for grant in _named(SignalGrant.objects.filter(content_object=signal)).select_related("group__organisation")
    ]
    return sorted(through_group + by_name, key=lambda access: access.organisation.name)


def audience_ids(signal_ids: Iterable[int], *, retracted: bool = False) -> dict[int, frozenset[int]]:
    """Organisation ids that see each of these signals, now. No actor: the matcher's own question, which shows nothing.

    The same rule as visible_to, asked from the signal's side; a test holds the two against each other. With
    `retracted` it is asked of retracted signals: who would see them if they were not. Those may know of the retraction.
    """
    ids = list(signal_ids)
    seen: dict[int, set[int]] = defaultdict(set)
    state = Q(retracted_at__isnull=False, expires_at__gt=Now()) if retracted else is_live()
    live = Signal.objects.filter(state, pk__in=ids)
    for signal_id, organisation_id in live.filter(organisation__status=Organisation.Status.ACTIVE).values_list(
        "pk", "organisation"
    ):
        seen[signal_id].add(organisation_id)
    shares = list(Share.objects.filter(signal__in=live).values_list("signal", "sharing_group"))
    viewers: dict[int, set[int]] = defaultdict(set)
    for group_id, organisation_id in members({group_id for _, group_id in shares}).values_list(
        "content_object", "group__organisation"
    ):
        viewers[group_id].add(organisation_id)
    for signal_id, group_id in shares:
        seen[signal_id] |= viewers[group_id]
    named = _named(SignalGrant.objects.filter(content_object__in=live))
    for signal_id, organisation_id in named.values_list("content_object", "group__organisation"):
        seen[signal_id].add(organisation_id)
    return {signal_id: frozenset(organisations) for signal_id, organisations in seen.items()}


def _named(grants: QuerySet[SignalGrant]) -> QuerySet[SignalGrant]:
    return grants.filter(group__organisation__status=Organisation.Status.ACTIVE)
