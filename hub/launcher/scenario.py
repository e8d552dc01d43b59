"""The story of the demo (roof): who submits what, and which matches must be told to whom.

Two platforms meet the same pictures and the same accounts; an agency watches; a third platform is outside the
group. What is expected follows from who submitted what, not from the hub's own rules for matching.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

GROUP = "trafficking-watch"
PLATFORMS = ("alpha", "beta")
AGENCY = "agency"
OUTSIDER = "gamma"
# Makes tokens of its identifiers itself; the other one sends them in plain, as it may.
BLINDS = "beta"
READERS = (*PLATFORMS, AGENCY, OUTSIDER)
# What happens to a picture on its way from platform to platform; hub.launcher.pictures draws them.
VARIANTS = ("as drawn", "encoded again", "made smaller", "blurred", "brighter")

_ONE_BY_ONE = 8  # pictures of which two platforms submit a variant each, one request at a time
_IN_BATCHES = 16  # the same in two batches
_LONELY = 6  # pictures that only one platform ever saw
# One person's accounts, as two platforms wrote the identifiers down (numbers reserved for drama: Ofcom).
_PEOPLE = (
    ("travel agent", ("email", "Quick.Visa@Example.org", "quick.visa@example.org"), "same e-mail address"),
    ("boat seller", ("phone", "+44 7700 900123", "+447700900123"), "same phone number"),
    ("recruiter", ("username", "@Easy_Jobs_Abroad", "easy_jobs_abroad"), "same user name"),
)


@dataclass(frozen=True, slots=True)
class Submission:
    """One signal to submit. `story` names what it shows: two signals of one story belong together.

    The body of a picture (its number is `picture`) has no indicators before it is drawn: whoever only wants to know
    what is expected needs no pictures, and the libraries that draw and hash take a second to import.
    """

    organisation: str
    story: str
    variant: str
    body: dict[str, Any]
    picture: int | None = None

    def drawn(self, draw: Callable[[int, str], list[dict[str, str]]]) -> dict[str, Any]:
        """The whole body; `draw` gives the indicators of a picture in one of VARIANTS."""
        if self.picture is None:
            return self.body
        return {**self.body, "indicators": draw(self.picture, self.variant)}

    @property
    def is_blinded(self) -> bool:
        return self.organisation == BLINDS

    @property
    def reference(self) -> str:
        external_id: str = self.body["external_id"]
        return external_id

    def seen_by(self) -> frozenset[str]:
        """The organisations that may see it: its own, the group's members, and those that it names."""
        group = {*PLATFORMS, AGENCY} if self.body["sharing_groups"] else set()
        return frozenset({self.organisation, *group, *self.body["named_organisations"]})


@dataclass(frozen=True, slots=True)
class Plan:
    """What is submitted one by one, what in batches, and what must come of it."""

    single: tuple[Submission, ...]
    batches: tuple[tuple[Submission, ...], ...]
    expected: dict[tuple[str, frozenset[str]], str] = field(repr=False)

    def everything(self) -> Iterator[Submission]:
        yield from self.single
        for batch in self.batches:
            yield from batch


def plan(group: str = GROUP) -> Plan:
    """The whole story."""
    single = (*_picture_pairs(group, 0, _ONE_BY_ONE), *_people(group), *_lonely(group), *_private(group))
    pairs = tuple(_picture_pairs(group, 100, _IN_BATCHES))
    batches = tuple(tuple(submission for submission in pairs if submission.organisation == name) for name in PLATFORMS)
    return Plan(single, batches, _expected((*single, *pairs)))


def _expected(submissions: tuple[Submission, ...]) -> dict[tuple[str, frozenset[str]], str]:
    """(recipient, the pair's two references) -> the story, for every pair from two organisations."""
    return {
        (recipient, frozenset({one.reference, other.reference})): one.story
        for one, other in combinations(submissions, 2)
        if one.story == other.story and one.organisation != other.organisation
        for recipient in one.seen_by() & other.seen_by()
    }


def _picture_pairs(group: str, first: int, count: int) -> Iterator[Submission]:
    for number in range(first, first + count):
        # One platform has the file as it was, the other has each kind of near-duplicate in turn.
        yield _picture(group, "alpha", number, VARIANTS[0])
        yield _picture(group, "beta", number, VARIANTS[number % len(VARIANTS)])


def _lonely(group: str) -> Iterator[Submission]:
    for number in range(200, 200 + _LONELY):
        yield _picture(group, PLATFORMS[number % 2], number, "as drawn")


def _private(group: str) -> Iterator[Submission]:
    """One picture, three audiences: two platforms show theirs to the agency alone, which so sees all."""
    yield _picture(group, "beta", 300, "as drawn")
    yield _picture("", "alpha", 300, "made smaller")
    yield _picture("", OUTSIDER, 300, "blurred")


def _picture(group: str, organisation: str, number: int, variant: str) -> Submission:
    story = f"picture {number}"
    return Submission(
        organisation,
        story,
        variant,
        {
            "external_id": f"demo-{organisation}-picture-{number}",
            "kind": "content",
            "harm": "human_trafficking",
            "severity": "high",
            "confidence": 80,
            "tlp": "AMBER",
            "summary": f"Advertisement of a crossing, {story}",
            "sharing_groups": [group] if group else [],
            "named_organisations": [] if group else [AGENCY],
        },
        picture=number,
    )


def _people(group: str) -> Iterator[Submission]:
    for story, (kind, *spellings), shown in _PEOPLE:
        for organisation, value in zip(PLATFORMS, spellings, strict=True):
            # A user name is unique on one platform only: here both report the account of a third.
            platform = "example-chat" if kind == "username" else organisation
            yield Submission(
                organisation,
                story,
                shown,
                {
                    "external_id": f"demo-{organisation}-{story.replace(' ', '-')}",
                    "kind": "account",
                    "harm": "human_trafficking",
                    "severity": "high",
                    "confidence": 70,
                    "tlp": "AMBER",
                    "summary": f"Account of a {story}",
                    "sharing_groups": [group],
                    "named_organisations": [],
                    "account": {"platform": platform},
                    "indicators": [{"type": kind, "value": value, "platform": platform}],
                },
            )
