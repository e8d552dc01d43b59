"""Validation of a submitted signal: indicators, audience, dates and words (floor 3).

Every problem of an input is found, not only the first, and each is named with its JSON path.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Organisation
from hub.errors import Problem
from hub.words import problem_in, problem_in_name
from sharing import signal_types
from sharing.signal_types.contract import InvalidValue, SignalType
from sharing.signal_types.video import MAX_FRAMES, Frame, Vpdq, digest_of
from sharing.signals.inputs import IndicatorInput, SignalInput
from sharing.signals.models import Signal
from sharing.signals.tokens import KEY_WITHOUT_TOKEN, PLAIN_REFUSED, may_send_plain, sent_token, token_of
from sharing.visibility.models import SharingGroup
from sharing.visibility.selectors import contributable_groups
from sharing.visibility.tlp import TLP, is_stricter

MAX_INDICATORS = 100
LONGEST_LIFE = timedelta(days=3_650)
# A clock that is a little fast must not make a signal invalid.
CLOCK_TOLERANCE = timedelta(minutes=10)
# Far enough from both ends of the calendar for every time zone to write it.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PreparedIndicator:
    signal_type: str
    value: bytes
    key_id: str
    quality: int | None
    # Of a video: its usable frames.
    frames: tuple[Frame, ...] = ()

    @property
    def identity(self) -> tuple[str, bytes]:
        return self.signal_type, self.value


@dataclass(frozen=True, slots=True)
class PreparedSignal:
    """An input that has passed, with no plain identifier left in it."""

    source: SignalInput
    indicators: tuple[PreparedIndicator, ...]
    groups: tuple[SharingGroup, ...]
    named: tuple[Organisation, ...]
    expires_at: datetime

    @property
    def weight(self) -> int:
        """How many values are to be looked up and written."""
        return sum(1 + len(indicator.frames) for indicator in self.indicators)


class Preparation:
    """Checks inputs of one actor; asks the database once for all the groups and organisations that they name."""

    def __init__(self, actor: Actor, inputs: Iterable[SignalInput]) -> None:
        inputs = list(inputs)
        self.may_send_plain = may_send_plain(actor)
        group_slugs = {slug for item in inputs for slug in item.sharing_groups}
        organisation_slugs = {slug for item in inputs for slug in item.named_organisations}
        self.groups = {group.slug: group for group in contributable_groups(actor).filter(slug__in=group_slugs)}
        self.organisations = {
            organisation.slug: organisation
            for organisation in Organisation.objects.filter(
                slug__in=organisation_slugs, status=Organisation.Status.ACTIVE
            )
        }

    def prepare(self, item: SignalInput, *, keeps_indicators: bool = False) -> PreparedSignal | list[Problem]:
        """The prepared signal, or every problem that it has. A change may keep the indicators that are stored."""
        problems: list[Problem] = []
        indicators = () if keeps_indicators else _indicators(item, problems, may_send_plain=self.may_send_plain)
        groups = self._groups(item, problems)
        named = self._named(item, problems)
        _check_kind(item, problems)
        _check_dates(item, problems)
        _check_words(item, problems)
        if problems:
            return problems
        expires_at = item.expires_at or _default_expiry(groups)
        # The inputs' values are dropped here: nothing further down can store, log or quote them.
        return PreparedSignal(replace(item, indicators=()), indicators, groups, named, expires_at)

    def _groups(self, item: SignalInput, problems: list[Problem]) -> tuple[SharingGroup, ...]:
        found = []
        if item.tlp == TLP.RED and item.sharing_groups:
            problems.append(
                Problem(
                    "/sharing_groups",
                    "red_to_group",
                    "TLP:RED goes to named organisations only, never to a group.",
                    "Leave sharing_groups empty and use named_organisations, or choose a less strict TLP.",
                )
            )
        if not item.sharing_groups and not item.named_organisations:
            problems.append(
                Problem(
                    "/sharing_groups",
                    "no_audience",
                    "Nobody would see this signal.",
                    "Name a sharing group, or an organisation in named_organisations.",
                )
            )
        for position, slug in enumerate(dict.fromkeys(item.sharing_groups)):
            group = self.groups.get(slug)
            problem = group_problem(group, item)
            if problem is not None:
                problems.append(problem.below(f"/sharing_groups/{position}"))
            elif group is not None:
                found.append(group)
        return tuple(found)

    def _named(self, item: SignalInput, problems: list[Problem]) -> tuple[Organisation, ...]:
        for position, slug in enumerate(item.named_organisations):
            if slug not in self.organisations:
                problems.append(
                    Problem(
                        f"/named_organisations/{position}",
                        "unknown_organisation",
                        "No active member has this short name.",
                        "Check the spelling with the organisation or with the hub's administrators.",
                    )
                )
        return tuple(
            self.organisations[slug] for slug in dict.fromkeys(item.named_organisations) if slug in self.organisations
        )


def group_problem(group: SharingGroup | None, item: SignalInput) -> Problem | None:
    if group is None:
        return Problem(
            "",
            "unknown_group",
            "There is no sharing group of this name that you may contribute to.",
            "GET /api/v1/sharing-groups lists yours.",
        )
    if item.tlp != TLP.RED and is_stricter(item.tlp, group.max_tlp):
        return Problem(
            "",
            "too_strict_for_group",
            f"This group takes signals up to TLP:{group.max_tlp}.",
            "Choose a less strict TLP or another group, or name organisations instead.",
        )
    if group.harms and item.harm not in group.harms:
        return Problem(
            "",
            "harm_not_in_group",
            "This kind of harm is not what the group shares about.",
            f"It shares about: {', '.join(group.harms)}.",
        )
    return None


def _indicators(item: SignalInput, problems: list[Problem], *, may_send_plain: bool) -> tuple[PreparedIndicator, ...]:
    if not item.indicators:
        problems.append(
            Problem("/indicators", "required", "A signal needs an indicator.", "Add at least one hash or identifier.")
        )
    if len(item.indicators) > MAX_INDICATORS:
        problems.append(
            Problem(
                "/indicators",
                "too_many",
                f"A signal holds at most {MAX_INDICATORS} indicators.",
                "Split it into several signals.",
            )
        )
        return ()
    prepared: dict[tuple[str, bytes], PreparedIndicator] = {}
    for position, indicator in enumerate(item.indicators):
        result = prepared_indicator(indicator, may_send_plain=may_send_plain)
        if isinstance(result, PreparedIndicator):
            prepared.setdefault(result.identity, result)
        else:
            problems.extend(problem.below(f"/indicators/{position}") for problem in result)
    if sum(len(indicator.frames) for indicator in prepared.values()) > MAX_FRAMES:
        problems.append(
            Problem(
                "/indicators",
                "too_many_frames",
                f"The videos of a signal hold at most {MAX_FRAMES} frames in all.",
                "Submit each video as a signal of its own.",
            )
        )
    return tuple(prepared.values())


def prepared_indicator(item: IndicatorInput, *, may_send_plain: bool) -> PreparedIndicator | list[Problem]:
    """The stored form of what was sent, or what is wrong with it; an identifier is a token from here on.

    An identifier in plain is not even looked at where its organisation may not send it so.
    """
    if item.type not in signal_types.NAMES:
        return [
            Problem(
                "/type",
                "unknown_type",
                "The hub does not know this signal type.",
                "GET /api/v1/signal-types lists them.",
            )
        ]
    signal_type = signal_types.get(item.type)
    if item.key_id and not item.token:
        return [KEY_WITHOUT_TOKEN]
    if item.token:
        token = sent_token(item)
        return token if isinstance(token, list) else PreparedIndicator(item.type, token, item.key_id, item.quality)
    if signal_type.keyed and not may_send_plain:
        return [PLAIN_REFUSED]
    try:
        return _parsed(signal_type, item)
    except InvalidValue as error:
        return [Problem(f"/value{found.path}", found.code, found.message, found.mend) for found in (error, *error.more)]


def _parsed(signal_type: SignalType, item: IndicatorInput) -> PreparedIndicator:
    if isinstance(signal_type, Vpdq):
        frames = signal_type.frames(item.value)
        # Quality is a matter of each frame.
        return PreparedIndicator(signal_type.name, digest_of(frames), "", None, frames)
    if not isinstance(item.value, str):
        raise InvalidValue("not_text", "A value of this type is a text.", "Put it in quotes.")
    value = signal_type.parse(item.value, platform=item.platform)
    key_id = ""
    if signal_type.keyed:
        key_id, value = token_of(signal_type.name, value)
    return PreparedIndicator(signal_type.name, value, key_id, item.quality)


def _check_kind(item: SignalInput, problems: list[Problem]) -> None:
    if (item.kind == Signal.Kind.ACCOUNT) != (item.account is not None):
        problems.append(
            Problem(
                "/account",
                "kind_mismatch",
                "An account signal has an account, a content signal has none.",
                'Set kind to "account" and describe the account, or leave account out.',
            )
        )


def _check_dates(item: SignalInput, problems: list[Problem]) -> None:
    now = timezone.now()
    past = {
        "/observed_at": item.observed_at,
        "/account/enforced_at": item.account.enforced_at if item.account else None,
    }
    for path, moment in past.items():
        if moment is not None and moment > now + CLOCK_TOLERANCE:
            mend = "Check the clock and the time zone."
            problems.append(Problem(path, "in_future", "This moment is in the future.", mend))
        if moment is not None and moment < EARLIEST:
            mend = "Check the year, or leave it out."
            problems.append(Problem(path, "out_of_range", "This moment is too long ago.", mend))
    if item.expires_at is not None and not now < item.expires_at <= now + LONGEST_LIFE:
        problems.append(
            Problem(
                "/expires_at",
                "out_of_range",
                "A signal expires in the future, and within ten years.",
                "Leave it out to use the retention of the sharing group.",
            )
        )


def _check_words(item: SignalInput, problems: list[Problem]) -> None:
    texts = {"/external_id": item.external_id or "", "/summary": item.summary, "/lawful_basis": item.lawful_basis}
    if item.account is not None:
        texts |= {f"/account/behaviours/{at}": text for at, text in enumerate(item.account.behaviours)}
    found = [problem_in(text, path) for path, text in texts.items()]
    if item.account is not None:
        found.append(problem_in_name(item.account.platform, "/account/platform"))
    problems.extend(problem for problem in found if problem is not None)


def _default_expiry(groups: tuple[SharingGroup, ...]) -> datetime:
    days = min((group.retention_days for group in groups), default=365)
    return timezone.now() + timedelta(days=days)
