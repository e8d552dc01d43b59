"""Look-ups in and out (floor 7)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from rest_framework import serializers

from hub.errors import Problem
from sharing import signal_types
from sharing.api.problems import flattened, problems_of_a_row
from sharing.api.serializers.quick import NotQuick, quick_indicator
from sharing.api.serializers.signals import IndicatorIn, ProblemOut
from sharing.api.serializers.strict import BoundedList, StrictSerializer, Text, Unread
from sharing.api.throttling import WHOLE
from sharing.matching.lookups import MOST, Answer
from sharing.matching.ranges import Suffix
from sharing.signals.inputs import IndicatorInput
from sharing.signals.models import Signal
from sharing.visibility.models import Harm
from sharing.visibility.tlp import TLP

MAX_ITEMS: Final = 1_000
# Bytes of a value, and of a body, for a hundredth of a request. The longest hash in hexadecimal digits has 64; with
# what JSON puts around it, it stays below 128.
VALUE_BYTES: Final = 64
BODY_BYTES: Final = 128
_TOKEN: Final = {"type", "token", "key_id"}


class LookupIn(StrictSerializer):
    items = BoundedList(child=Unread(), min_length=1, max_length=MAX_ITEMS)


class LookupSchema(serializers.Serializer[Any]):
    """How a look-up is documented; LookupIn takes items unread, so that one bad item does not refuse the rest."""

    items = BoundedList(child=IndicatorIn(), min_length=1, max_length=MAX_ITEMS)


def unread_items(data: Any) -> list[Any] | None:
    """The items of a body about which LookupIn could find nothing to say; None when it must be asked."""
    # A plain dict: one that has a name twice (Repeating) is LookupIn's to refuse.
    if type(data) is not dict or data.keys() != {"items"}:
        return None
    items = data["items"]
    return items if isinstance(items, list) and 1 <= len(items) <= MAX_ITEMS else None


def read_item(item: Any) -> IndicatorInput | list[Problem]:
    """An item as IndicatorIn reads it. One in which IndicatorIn could find nothing to say does not pay for it."""
    with suppress(NotQuick):
        return quick_indicator(item)
    serializer = IndicatorIn(data=item)
    return IndicatorInput(**serializer.validated_data) if serializer.is_valid() else flattened(serializer.errors)


def item_weight(item: Any) -> int:
    """What an unread item counts for. A hash, or what is hashed here, counts by its bytes: reading it takes as long.

    An identifier counts as a whole request, because it can be guessed; and so does whatever may turn out to be one.
    Not so a token: what it was made of has been counted when it was evaluated.
    """
    if not isinstance(item, Mapping):
        return WHOLE
    if item.keys() == _TOKEN:
        return 1
    if not _is_hash(item.get("type")):
        return WHOLE
    value = item.get("value")
    if not isinstance(value, str):  # the frames of a video: see least_weight
        return 1
    size = len(value) if value.isascii() else len(value.encode(errors="surrogatepass"))
    return max(1, -(-size // VALUE_BYTES))


def _is_hash(name: Any) -> bool:
    return isinstance(name, str) and name in _HASHES


def least_weight(body_bytes: int) -> int:
    """What a look-up counts for whatever is in it: known before the body is read."""
    return -(-body_bytes // BODY_BYTES)


_HASHES: Final = frozenset(item.name for item in signal_types.ALL if not item.keyed)


class VerdictCounts(serializers.Serializer[Any]):
    true_positive = serializers.IntegerField()
    false_positive = serializers.IntegerField()
    disputed = serializers.IntegerField()
    needs_more = serializers.IntegerField()


class FoundOut(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="Read it at /signals/{id}.")
    organisation = serializers.CharField(help_text="Who submitted it; your own count too.")
    harm = serializers.ChoiceField(choices=Harm.choices)
    severity = serializers.ChoiceField(choices=Signal.Severity.choices)
    tlp = serializers.ChoiceField(choices=TLP.choices)
    distance = serializers.IntegerField(help_text="Bits that differ; 0 is identity.")
    verdicts = VerdictCounts(
        help_text="How many organisations gave each verdict on a match of this signal that you are told of too."
    )


class AnswerOut(serializers.Serializer[Any]):
    item = serializers.IntegerField(help_text="Place in `items`, from 0. No answer repeats a value.")
    status = serializers.ChoiceField(choices=["found", "none", "refused"])
    signals = FoundOut(many=True, help_text=f"The closest, at most {MOST}; the newest first among equals.")
    more = serializers.BooleanField(help_text="There are further signals that you can see.")
    errors = ProblemOut(many=True)  # type: ignore[assignment]


class LookupOut(serializers.Serializer[Any]):
    found = serializers.IntegerField(help_text="Items with a signal.")
    refused = serializers.IntegerField(help_text="Items with errors.")
    results = AnswerOut(many=True)


def answers_out(answers: list[Answer]) -> dict[str, Any]:
    """The body that LookupOut describes, without its cost: an upload pipeline asks for thousands a second."""
    return {
        "found": sum(bool(answer.found) for answer in answers),
        "refused": sum(bool(answer.problems) for answer in answers),
        "results": [_answer_out(place, answer) for place, answer in enumerate(answers)],
    }


def _answer_out(place: int, answer: Answer) -> dict[str, Any]:
    status = "refused" if answer.problems else "found" if answer.found else "none"
    return {
        "item": place,
        "status": status,
        "signals": [
            {
                "id": found.signal.uuid,
                "organisation": found.signal.organisation,
                "harm": found.signal.harm,
                "severity": found.signal.severity,
                "tlp": found.signal.tlp,
                "distance": found.distance,
                "verdicts": found.verdicts,
            }
            for found in answer.found
        ],
        "more": answer.more,
        "errors": problems_of_a_row(answer.problems, f"/items/{place}"),
    }


class SuffixOut(serializers.Serializer[Any]):
    suffix = serializers.CharField(help_text="The remaining hexadecimal digits of the hash, in lower case.")
    signals = serializers.IntegerField(help_text=f"How many signals that you can see hold it, at most {MOST}.")
    more = serializers.BooleanField(help_text="There are further ones.")


class RangeQuery(StrictSerializer):
    after = Text(
        max_length=128, required=False, default="", help_text="From `next` of the page before; leave out for the first."
    )


class RangeOut(serializers.Serializer[Any]):
    results = SuffixOut(many=True, help_text="In the order of their digits.")
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last one.")


def suffix_out(suffix: Suffix) -> dict[str, Any]:
    return {"suffix": suffix.digits, "signals": suffix.signals, "more": suffix.more}
