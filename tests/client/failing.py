"""A hub that answers what a test tells it to, over real HTTP."""

from __future__ import annotations

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = f"hub_{'p' * 12}_{'s' * 43}"
ME = {"organisation": {"name": "A", "slug": "a", "kind": "platform"}, "client": "c", "scopes": [], "new": 1}
BROKEN_OFF = 0


class Failing(ThreadingHTTPServer):
    """Answers with what is in `plan`, one after the other; with the last for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[tuple[str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Failing

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.rfile.read(int(self.headers.get("Content-Length", 0)))))
        status, headers, body = self.server.plan.pop(0) if len(self.server.plan) > 1 else self.server.plan[0]
        if status == BROKEN_OFF:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


def said(body: Any, status: int = 200, **headers: str) -> tuple[int, dict[str, str], bytes]:
    return status, headers, json.dumps(body).encode()
