"""Makes tokens of a member's identifiers as a client does (roof): the hub never sees what they are of."""

from __future__ import annotations

from typing import Any

import httpx

from hub.launcher.errors import CannotStart
from hub.launcher.inbox import answer
from sharing import oprf, signal_types


def blinded(client: httpx.Client, indicators: list[dict[str, str]]) -> list[dict[str, str]]:
    """The indicators with a token for each identifier. CannotStart when the hub refuses or its proof is wrong."""
    identifiers = [one for one in indicators if signal_types.get(one["type"]).keyed]
    if not identifiers:
        return indicators
    published = {key["key_id"]: key for key in answer(client.get("/api/v1/identifiers/keys"))["keys"]}
    sent = [oprf.blind(_message(one)) for one in identifiers]
    body = {"elements": [one.element.hex() for one in sent]}
    evaluated: dict[str, Any] = answer(client.post("/api/v1/identifiers/evaluate", json=body))
    elements, proof = [bytes.fromhex(element) for element in evaluated["elements"]], bytes.fromhex(evaluated["proof"])
    try:
        outputs = oprf.finalize(sent, elements, proof, bytes.fromhex(published[evaluated["key_id"]]["public_key"]))
    except oprf.OprfError as error:
        raise CannotStart(f"The hub's evaluation of blinded identifiers is not in order: {error}") from None
    tokens = [
        {"type": one["type"], "token": oprf.token_from(output).hex(), "key_id": evaluated["key_id"]}
        for one, output in zip(identifiers, outputs, strict=True)
    ]
    return [one for one in indicators if one not in identifiers] + tokens


def _message(indicator: dict[str, str]) -> bytes:
    name = indicator["type"]
    canonical = signal_types.get(name).parse(indicator["value"], platform=indicator.get("platform", ""))
    return oprf.token_message(name, canonical)
