"""What the scripts of static/portal/edge need to know to hash and to blind in the browser (floor 7)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from accounts.actor import Actor
from sharing import signal_types
from sharing.signal_types.hexadecimal import HexHash
from sharing.signals.tokens import may_send_plain

# Of the formset of indicators.
PREFIX: Final = "indicators"
_VECTORS: Final = Path(signal_types.__file__).with_name("vectors.json")
# Refusals of all types, which the published vectors have no room for.
_FURTHER: Final = (("x" * 513, ""), ("\ud800", ""), ("\0", ""), ("x" + "\u0301" * 31, ""))
# What goes wrong where the hub has no part in it.
_WORDS: Final = {
    "no_type": _("Choose what this value is."),
    "no_hash": _("This type has %(digits)s hexadecimal digits. Nothing was sent: choose the type of what you typed."),
    "failed": _("This could not be worked out in your browser. Nothing was sent. Try again, or use another browser."),
    "unread": _("The file could not be read. Was it moved or changed?"),
    "damaged": _("The picture is damaged or cut off. Get the file again, whole."),
    "too_many_pixels": _("The picture has more pixels than are read. Make it smaller first."),
    "too_few_pixels": _("A picture needs 5 pixels in each direction for PDQ."),
    "empty_file": _("The file is empty."),
    "too_many_bytes": _("The file has more than 1 GiB. Hash it with your organisation's client."),
    "too_many_rows": _("There is no room for more indicators on this page."),
    "no_picture": _("Not a picture that this browser can read: no picture hash was made."),
    "wrong_proof": _(
        "The hub's proof is wrong: it may have used another key, by which it could tell who asks. No token was made "
        "and nothing was sent. Tell the hub's administrators."
    ),
    "other_key": _(
        "The hub publishes another key than the one that this browser knows under its name. No token was made and "
        "nothing was sent. Tell the hub's administrators. If they say that it was set up anew, clear what this browser "
        "has stored for this site."
    ),
    "no_key": _("The hub has no key for tokens at this time. Try again later."),
    "unreachable": _("The hub can't be reached. What you typed is still here: try again."),
    "signed_out": _(
        "Your session has ended, or began anew in another tab. Nothing was sent. Open this page again: what you typed "
        "here is then lost."
    ),
    "working": _("Working in your browser…"),
    "hashing": _("Hashing %(name)s: %(percent)s %%"),
    "hashed": _("Hashed in your browser. Files that became indicators: %(number)s."),
    "from_file": _("From the file %(name)s"),
    "token_made": _("Token made in your browser: %(token)s…"),
    "older_key": _("The same under an older key of the hub"),
}


def offers(actor: Actor) -> dict[str, bool]:
    """For the rows of indicators: whether identifiers may be chosen where no script runs."""
    return {"offers_identifiers": may_send_plain(actor)}


def rows_context(actor: Actor, *, every_key: bool = False) -> dict[str, Any]:
    """What the template of the rows needs. `every_key`: a look-up asks under all live keys, for others may have
    submitted under any of them; a submission uses the active one."""
    return {
        "may_send_plain": may_send_plain(actor),
        "platform_types": _types_that(lambda item: item.needs_platform),
        "quality_types": _types_that(lambda item: item.near is not None),
        "keyed_types": [(item.name, gettext(item.title)) for item in signal_types.ALL if item.keyed],
        "edge": json.dumps(
            {
                "keyed": [item.name for item in signal_types.ALL if item.keyed],
                "digits": {item.name: 2 * item.size for item in signal_types.ALL if isinstance(item, HexHash)},
                "keys": reverse("portal:identifier-keys"),
                "evaluate": reverse("portal:identifier-evaluate"),
                "everyKey": every_key,
                "words": {code: gettext(text) for code, text in _WORDS.items()},
                "refusals": _refusals(),
            }
        ),
    }


def _types_that(test: Callable[[signal_types.SignalType], bool]) -> str:
    """Names of signal types for the page's script, which shows only the fields that a type has."""
    return " ".join(item.name for item in signal_types.ALL if test(item))


def _refusals() -> dict[str, dict[str, str]]:
    """The words of each refusal, by type and code: the hub's own, for the scripts follow the same rules."""
    return {
        name: {code: " ".join(map(gettext, parts)) for code, parts in refusals.items()}
        for name, refusals in _refused().items()
    }


@cache
def _refused() -> dict[str, dict[str, tuple[str, str]]]:
    """Found by refusing something for each code, so that no sentence stands twice in the code."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for name, value, platform in _refusable():
        try:
            signal_types.get(name).parse(value, platform=platform)
        except signal_types.InvalidValue as refused:
            found.setdefault(name, {})[refused.code] = (refused.message, refused.mend)
    return found


def _refusable() -> Iterator[tuple[str, str, str]]:
    rows = json.loads(_VECTORS.read_text(encoding="utf-8"))["refused"]
    keyed = [item.name for item in signal_types.ALL if item.keyed]
    for row in rows:
        if row["type"] in keyed:
            yield row["type"], row["value"], row.get("platform", "")
    general = [(row["value"], row.get("platform", "")) for row in rows if row["type"] == "email"]
    for name in keyed:
        # Other words than these are the same for all types; one of them has advice of its own.
        for value, platform in (*general, *_FURTHER):
            yield name, value, platform
