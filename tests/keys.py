"""Token keys for tests: two epochs of the hub's, and a member's side of making tokens."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import LazySettings

from accounts.actor import Actor
from sharing import oprf, signal_types
from sharing.signals.evaluation import evaluate_identifiers, published_keys

SEEDS = {"k1": "11" * 32, "k2": "22" * 32, "k3": "33" * 32}


def give_keys(settings: LazySettings, folder: Path, active: str, **keys: dict[str, datetime]) -> None:
    """The hub's keys from now on, for example give_keys(settings, tmp_path, "k2", k1={"not_after": then}, k2={})."""
    content = {
        "active": active,
        "keys": {
            name: {"seed": SEEDS[name], **{bound: moment.isoformat() for bound, moment in bounds.items()}}
            for name, bounds in keys.items()
        },
    }
    file = folder / f"keys-{len(list(folder.iterdir()))}.json"
    file.write_text(json.dumps(content))
    settings.TOKEN_KEYS_FILE = str(file)


Evaluate = Callable[[dict[str, Any]], dict[str, Any]]


def made_token(evaluate: Evaluate, public_key: str, name: str, value: str, platform: str = "", **more: str) -> Any:
    """An indicator with a token, made as a member makes it: all but one exchange with the hub is local.

    `evaluate` sends a body to the hub and gives its answer.
    """
    canonical = signal_types.get(name).parse(value, platform=platform)
    blinded = oprf.blind(oprf.token_message(name, canonical))
    answer = evaluate({"elements": [blinded.element.hex()], **more})
    (output,) = oprf.finalize(
        [blinded],
        [bytes.fromhex(element) for element in answer["elements"]],
        bytes.fromhex(answer["proof"]),
        bytes.fromhex(public_key),
    )
    return {"type": name, "token": oprf.token_from(output).hex(), "key_id": answer["key_id"]}


def token_for(actor: Actor, name: str, value: str, platform: str = "") -> Any:
    """The same without HTTP, under the active key."""

    def evaluate(body: dict[str, Any]) -> dict[str, Any]:
        done = evaluate_identifiers(actor=actor, **body)
        elements = [element.hex() for element in done.elements]
        return {"elements": elements, "proof": done.proof.hex(), "key_id": done.key_id}

    return made_token(evaluate, published_keys(actor=actor)[0].public_key.hex(), name, value, platform)
