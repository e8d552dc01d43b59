"""A lean HTTP client for benchmarks, in a process of its own (floor 7).

One thread, raw sockets, prepared bytes: what it costs is not taken for the server's time.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import selectors
import socket
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any


@dataclass
class _Connection:
    socket: socket.socket
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)
    length: int = 0

    def send(self, request: bytes) -> None:
        self.received.clear()
        self.length = 0
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def is_complete(self) -> bool:
        """Reads what is there; True when the answer is whole. Raises RuntimeError for anything but a 200."""
        data = self.socket.recv(1 << 18)
        self.received += data
        gap = self.received.find(b"\r\n\r\n")
        if not data or (gap >= 0 and not self.received.startswith(b"HTTP/1.1 200")):
            raise RuntimeError(bytes(self.received[:2_000]).decode(errors="replace"))
        if gap < 0:
            return False
        if not self.length:
            self.length = int(self.received[:gap].lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        return len(self.received) >= gap + 4 + self.length


def post(path: str, key: str, body: bytes) -> bytes:
    """A whole request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def drive(port: int, requests: list[bytes], *, connections: int, seconds: float) -> list[float]:
    """Sends the requests over and over, one at a time on each connection; the milliseconds that each one took."""
    context = multiprocessing.get_context("spawn")
    results: Any = context.SimpleQueue()
    process = context.Process(target=_run, args=(port, requests, connections, seconds, results))
    process.start()
    took: list[float] | str = results.get()
    process.join()
    if isinstance(took, str):
        raise RuntimeError(took)
    return took


def _run(port: int, requests: list[bytes], connections: int, seconds: float, results: Any) -> None:
    try:
        results.put(_loop(port, requests, connections, seconds))
    except (RuntimeError, OSError) as error:
        results.put(str(error) or type(error).__name__)


def _loop(port: int, requests: list[bytes], connections: int, seconds: float) -> list[float]:
    took = []
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            one = _Connection(socket.create_connection(("127.0.0.1", port)))
            one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(one.socket, selectors.EVENT_READ, one)
            one.send(random.choice(requests))  # noqa: S311 - no secret
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for key, _event in selector.select(timeout=10):
                one = key.data
                if one.is_complete():
                    took.append((time.perf_counter() - one.sent_at) * 1000)
                    one.send(random.choice(requests))  # noqa: S311 - no secret
    return took


def upload(port: int, path: str, key: str, file: str, name: str) -> tuple[float, float, Any]:
    """Send a file of lines as one body, from a process of its own; when that began and ended, and the answer."""
    context = multiprocessing.get_context("spawn")
    results: Any = context.SimpleQueue()
    process = context.Process(target=_send, args=(port, path, (key, file, name), results))
    process.start()
    sent: tuple[float, float, Any] | str = results.get()
    process.join()
    if isinstance(sent, str):
        raise RuntimeError(sent)
    return sent


def _send(port: int, path: str, what: tuple[str, str, str], results: Any) -> None:
    key, file, name = what
    headers = {
        "Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson", "Idempotency-Key": name,
        "Content-Length": str(Path(file).stat().st_size),
    }  # fmt: skip
    begin = time.time()
    try:
        connected = HTTPConnection("127.0.0.1", port, timeout=600)
        with Path(file).open("rb") as body:
            connected.request("POST", path, body, headers)
        answer = connected.getresponse()
        told = answer.read().decode()
    except OSError as error:
        results.put(type(error).__name__)
        return
    results.put((begin, time.time(), json.loads(told)) if answer.status == HTTPStatus.OK else told[:2_000])
