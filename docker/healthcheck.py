"""Says by its exit code whether the web process in this container answers and reaches its database (roof).

Standard library only: the image has no curl. HUB_HEALTH_URL names another address than the usual one.
"""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

_OK = 200


def main() -> int:
    """0: ready; 1: not."""
    url = urlsplit(os.environ.get("HUB_HEALTH_URL", "http://127.0.0.1:8000/readyz"))
    # A proxy tells the hub in this way that the outer connection is encrypted; a probe has no outer connection.
    headers = {"X-Forwarded-Proto": "https"}
    connection = HTTPConnection(url.hostname or "127.0.0.1", url.port or 80, timeout=4)
    try:
        connection.request("GET", url.path, headers=headers)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        sys.stderr.write(f"no answer: {type(error).__name__}\n")
        return 1
    finally:
        connection.close()
    if status != _OK:
        sys.stderr.write(f"answered {status}\n")
    return 0 if status == _OK else 1


if __name__ == "__main__":
    sys.exit(main())
