"""Our signatures, judged by an independent library."""

from __future__ import annotations

import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from sharing.notifications.signing import new_secret, signed_headers

BODY = b'{"type":"webhook.test","timestamp":"2026-11-25T10:00:00.000Z","data":{}}'


def headers(*secrets: str, at: float | None = None, body: bytes = BODY) -> dict[str, str]:
    return signed_headers(message_id="msg_1", timestamp=int(at or time.time()), body=body, secrets=secrets)


def test_the_library_accepts_what_we_sign() -> None:
    secret = new_secret()
    assert Webhook(secret).verify(BODY, headers(secret)) == {
        "type": "webhook.test", "timestamp": "2026-11-25T10:00:00.000Z", "data": {},
    }  # fmt: skip


def test_while_secrets_overlap_each_is_accepted() -> None:
    old, new = new_secret(), new_secret()
    for secret in (old, new):
        Webhook(secret).verify(BODY, headers(new, old))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature", "body", "secret"])
def test_the_library_refuses_what_was_tampered_with(name: str) -> None:
    secret = new_secret()
    sent, body = headers(secret), BODY
    if name == "webhook-id":
        sent[name] = "msg_2"
    elif name == "webhook-timestamp":
        sent[name] = str(int(sent[name]) + 1)
    elif name == "webhook-signature":
        sent[name] = "v1," + "A" * 43 + "="
    elif name == "body":
        body = BODY.replace(b"test", b"best")
    else:
        secret = new_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, sent)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_the_library_refuses_what_is_stale_or_from_the_future(minutes: int) -> None:
    secret = new_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers(secret, at=time.time() + 60 * minutes))
