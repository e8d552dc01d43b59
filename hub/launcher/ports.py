"""The web process's port, and whether the hub answers on it (roof)."""

from __future__ import annotations

import socket
from http.client import HTTPConnection, HTTPException

from hub.launcher.errors import CannotStart
from hub.launcher.processes import wait_until

_OK = 200
_PATIENCE = 2.0  # seconds for a web process on its way out to let go of the port
_HIGHEST = 65535


def read_port(text: str) -> int:
    """A port as a person wrote it. Raises CannotStart."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _HIGHEST):
        raise CannotStart(f"{text!r} is no port: choose a number from 1024 to {_HIGHEST}, such as PORT=8000.")
    return int(text)


def refuse_taken_port(port: int) -> None:
    """Raises CannotStart when somebody listens on the port."""

    def free() -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except PermissionError:
                raise CannotStart(
                    f"Port {port} is reserved for root: choose one from 1024 up, such as PORT=8000."
                ) from None
            except OSError:
                return False
        return True

    if not wait_until(free, seconds=_PATIENCE, every=0.1):
        other = port + 1 if port < _HIGHEST else port - 1
        raise CannotStart(f"Port {port} is taken: stop what listens there, or choose another, such as PORT={other}.")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def web_answers(port: int) -> bool:
    """Whether the web process answers and reaches its database."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == _OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
